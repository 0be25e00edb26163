"""A small platform of real parts that can be broken one by one and made whole again.

Vault and OPA are processes of their own (the real ones where they are found), the ledger is the real application
over its store, serving answers on a mutual-TLS listener with OPA behind it, and a predictor process answers.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from fastapi import FastAPI

from assay.errors import ServiceError
from assay.identity.workload import WorkloadIdentity
from assay.ledger import Follower
from assay.policy import OpaHttp, Policy
from assay.vault import session
from assay.vault.admin import VaultAdmin
from assay.vault.configure import configure
from assay.vault.layout import standard
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
from assay_laptop.opa.launch import Files, command, find_opa
from assay_laptop.platform.addresses import free_ports
from assay_laptop.vault.launch import find_vault, start
from services.ledger.store import open_store
from tests.contract.policy.test_fail_closed import Impostor
from tests.contract.policy.world import AUTHOR, Workload
from tests.contract.vault.world import Running, run, until_listening
from tests.integration.serving.platform import LEASE, Platform
from tests.support.data import RunningVault
from tests.support.ledger import DOMAIN
from tests.unit.custody.world import MODEL, checked_in_policy

HANG_SECONDS = 60.0
ENDPOINT = "/v1/endpoints/prod/credit"
INFER = f"/v2/models/{MODEL}/infer"
BODY = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1.0, 2.0, 3.0]}]}


def vault_running(folder: Path) -> Running:
    """Start a Vault that can be sealed, stopped and started again."""
    folder.mkdir()
    how = start(find_vault(), folder / "storage", folder / "run", free_ports(1)[0])
    process = run(how, folder / "log")
    admin = VaultAdmin(how.url, how.ca_path)
    running = Running(how, folder / "storage", folder / "log", process, admin)
    until_listening(admin)
    running.unseal_key = admin.initialise()
    configure(admin, DOMAIN, standard())
    return running


class Stage(Platform):
    """The platform of serving's tests, with a process of OPA, and ways to break each part."""

    certificate = 3600

    def __init__(self, folder: Path) -> None:
        self.broken_vault = vault_running(folder / "vault")
        self.opa_port = free_ports(1)[0]
        self.opa: subprocess.Popen[bytes] | None = None
        self.impostor: Impostor | None = None
        self.feed: Feed | None = None
        self.repaired = True
        self.ends: dict[str, Callable[[], None]] = {}
        self.ports: dict[str, int] = {}
        how = self.broken_vault.how
        super().__init__(folder, RunningVault(self.broken_vault.admin, how.url, how.ca_path))
        self.opa_files = self.identity("/svc/core/opa")
        self.start_opa()
        self.version = self.approved((0.5, -1.0, 2.0))
        dana = f"/people/{self.world.person('dana')}"
        self.control = self.client(dana, self.url("serving"), "serving")
        self.until(lambda: self.roll_out().status_code == httpx.codes.OK)
        url = self.control.get(ENDPOINT).json()["url"]
        self.predictor = self.client(dana, url, "/svc/prod/predictor/credit")
        self.until(self.answers)

    def policy_of(self, identity: WorkloadIdentity, follower: Follower) -> Policy:
        """Ask OPA over HTTP, as every control route does."""
        url = f"https://127.0.0.1:{self.opa_port}"
        return OpaHttp(url, identity, expected=follower.policy_revision, timeout=1.0)

    def close(self) -> None:
        """End everything."""
        self.end_impostor()
        for undo in (self.stop_opa, super().close):
            undo()
        process = self.broken_vault.process
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(HANG_SECONDS)

    # ---- what is asked of it

    def roll_out(self) -> httpx.Response:
        """Ask the control route to roll version 1 out."""
        body = {"model": MODEL, "number": 1, "reason": "a drill"}
        return self.control.post(f"{ENDPOINT}/rollouts", json=body)

    def infer(self) -> httpx.Response:
        """Ask the predictor."""
        return self.predictor.post(INFER, json=BODY)

    def answers(self) -> bool:
        """Say whether the predictor answers."""
        try:
            return self.infer().status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def rolls_out(self) -> bool:
        """Say whether the control route does what it is asked."""
        try:
            return self.roll_out().status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def entries(self) -> int:
        """Return how many rollouts the log holds, journals aside."""
        return sum(record.about == "endpoint/prod/credit" for record in self.log.entries(0, 10_000))

    @staticmethod
    def until(true: Callable[[], object]) -> None:
        """Return once it is so."""
        end = time.monotonic() + HANG_SECONDS
        while not true():
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.1)

    # ---- Vault

    def seal(self) -> None:
        """Seal Vault."""
        self.broken_vault.admin.seal()

    def unseal(self) -> None:
        """Open it again."""
        VaultAdmin(self.broken_vault.how.url, self.broken_vault.how.ca_path).unseal(
            self.broken_vault.unseal_key
        )
        self.until(self._vault_is_active)

    def end_vault(self) -> None:
        """End Vault's process."""
        self.broken_vault.process.kill()
        self.broken_vault.process.wait(HANG_SECONDS)

    def begin_vault(self) -> None:
        """Start it again over its storage, and open it."""
        self.broken_vault.process = run(self.broken_vault.how, self.broken_vault.log)
        until_listening(self.broken_vault.admin)
        self.unseal()

    def pause_vault(self) -> None:
        """Let Vault answer nothing for a while, its connections open; those who ask give up sooner than usual."""
        self._patience(1)
        self.broken_vault.process.send_signal(signal.SIGSTOP)

    def resume_vault(self) -> None:
        """Let it go on."""
        self.broken_vault.process.send_signal(signal.SIGCONT)
        self._patience(session.TIMEOUT_SECONDS)

    def _patience(self, seconds: int) -> None:
        for client in (self.serving_login._client, self.broken_vault.admin.client):
            client.adapter._kwargs["timeout"] = seconds

    def renew_login(self) -> None:
        """Give serving a new login, as a start does: theirs works once."""
        fresh = self.vault.login("serving")
        old = self.serving_login
        old._client, old._renewal = fresh._client, fresh._renewal

    def _vault_is_active(self) -> bool:
        try:
            self.broken_vault.admin.vault().ca_pem()
        except ServiceError:
            return False
        return True

    # ---- OPA

    def start_opa(self) -> None:
        """Start OPA and wait until it listens."""
        files = Files(self.opa_files.certificate_path, self.opa_files.key_path, self.ca)
        folder = self.folder / "opa"
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.feed is None:
            self.feed = Feed(folder, Certificates(files.certificate, files.key, files.ca))
            self.feed.offer(AUTHOR.signed())
            self.undo.callback(self.feed.close)
        argv = command(
            find_opa(),
            files,
            self.feed,
            policy_key_pem=AUTHOR.public_pem,
            port=self.opa_port,
            trust_domain=DOMAIN,
            run_dir=folder,
        )
        with (folder / "log").open("ab") as log:
            self.opa = subprocess.Popen(argv, stdout=log, stderr=log, env=dict(os.environ))
        self.until(lambda: _listens(self.opa_port))

    def stop_opa(self) -> None:
        """End OPA's process."""
        if self.opa is not None:
            self.opa.send_signal(signal.SIGCONT)
            self.opa.terminate()
            self.opa.wait(HANG_SECONDS)
            self.opa = None

    def pause_opa(self) -> None:
        """Let OPA answer nothing, its connections open."""
        assert self.opa is not None
        self.opa.send_signal(signal.SIGSTOP)

    def resume_opa(self) -> None:
        """Let it go on."""
        assert self.opa is not None
        self.opa.send_signal(signal.SIGCONT)

    def impersonate_opa(self, answer: bytes) -> None:
        """Put a server where OPA stood, with OPA's own certificate, that gives one answer to everything."""
        self.stop_opa()
        own = self.opa_files
        shown = Workload(own.spiffe_id, own.certificate_path, own.key_path, own.combined_path, self.ca)
        self.impostor = Impostor(shown, answer, port=self.opa_port, headers={"Connection": "close"})
        threading.Thread(target=self.impostor.serve_forever, args=(0.01,), daemon=True).start()

    def restore_opa(self) -> None:
        """Put OPA back."""
        self.end_impostor()
        self.start_opa()

    def end_impostor(self) -> None:
        """End whoever stood there."""
        if self.impostor is not None:
            self.impostor.shutdown()
            self.impostor.server_close()
            self.impostor = None

    @property
    def revision(self) -> str:
        """The policy that is in force."""
        return checked_in_policy().revision

    # ---- the ledger

    def end(self, service: str) -> None:
        """End a listener."""
        self.ends[service]()

    def begin(self, service: str) -> None:
        """Listen again where it did."""
        app = {"ledger": self._ledger, "registry": self._registry}[service]()
        self.sockets[service] = socket.create_server(("127.0.0.1", self.ports[service]))
        self._serve(service, app)

    def fill_disk(self) -> None:
        """Let no file of this process grow past where the ledger's write-ahead log ends now."""
        size = (self.folder / "ledger.db-wal").stat().st_size
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))

    def make_room(self) -> None:
        """Give the space back, and start the ledger again: its process leaves when a write is refused."""
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        for service in ("ledger", "registry"):  # the registry here reads the same log in process
            self.end(service)
        self.log.close()
        admin = self.vault.admin.vault()
        self.log = self.undo.enter_context(
            open_store(
                f"sqlite:///{self.folder}/ledger.db",
                self.world.root,
                lambda data: admin.sign("log", data),
                lease_seconds=LEASE,
                create=False,
            )
        )
        for service in ("ledger", "registry"):
            self.begin(service)

    def _serve(self, name: str, app: FastAPI, identity: WorkloadIdentity | None = None) -> Callable[[], None]:
        self.ports[name] = self.sockets[name].getsockname()[1]
        self.ends[name] = super()._serve(name, app, identity)
        return self.ends[name]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
