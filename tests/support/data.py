"""Ingestion and features in process, on real parts: a Vault server, the ledger, policy as Wasm, objects in a folder.

Only sockets between the services are left out: a request carries the identity its certificate would show.
Vault is a process of its own (a real one when found, else the built-in), each service logged in by AppRole
under its own policy.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.contracts import Fact, FactKind, SpiffeId
from assay.errors import Unavailable
from assay.ledger import CheckpointMemory, FactSigner, Follower, LedgerClient, Record, SignerEntry
from assay.policy import OpaWasm
from assay.telemetry import tracer
from assay.vault.admin import VaultAdmin
from assay.vault.client import VaultClient
from assay.vault.configure import configure
from assay.vault.layout import standard
from assay.web.parts import Parts
from assay.web.settings import ServiceSettings
from assay_laptop.platform.addresses import free_ports
from assay_laptop.vault.launch import find_vault, start
from services.ledger.log import Log
from tests.support.asgi import As, Named, Through
from tests.support.journals import journaling
from tests.support.ledger import DOMAIN, WASM, House, Keys, revocation

DANA: Final = "p-dana"
PEOPLE: Final = {DANA: "data-scientist", "p-amir": "approver"}
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class RunningVault:
    """A configured Vault and an administrator with a root token in hand."""

    admin: VaultAdmin
    url: str
    ca_path: Path

    def login(self, service: str) -> VaultClient:
        """Log a service in, as itself."""
        root = self.admin.vault()
        return VaultClient.login(
            url=self.url,
            ca_path=self.ca_path,
            role_id=root.role_id(service),
            wrapped_secret_id=root.wrap_secret_id(service),
        )


@contextmanager
def running_vault(folder: Path) -> Iterator[RunningVault]:
    """Run a Vault, initialised and configured: a real one when it is on the PATH."""
    said = start(find_vault(), folder / "storage", folder / "run", free_ports(1)[0])
    process = subprocess.Popen(said.argv, env=dict(said.environment), stderr=subprocess.DEVNULL)
    admin = VaultAdmin(said.url, said.ca_path)
    try:
        _wait(admin)
        admin.initialise()
        configure(admin, DOMAIN, standard())
        yield RunningVault(admin, said.url, said.ca_path)
    finally:
        admin.client.session.close()
        process.terminate()
        process.wait(30)


def _wait(admin: VaultAdmin) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            admin.seal_status()
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


class VaultKeys(Keys):
    """The keys of the house, held by Vault where a service has them."""

    def __init__(self, vault: VaultClient) -> None:
        super().__init__()
        self._vault = vault
        self._held = frozenset(standard().keys)

    def public_key(self, key: str) -> str:
        """Ask Vault."""
        return self._vault.public_key(key) if key in self._held else super().public_key(key)

    def sign(self, key: str, data: bytes) -> bytes:
        """Have Vault sign."""
        return self._vault.sign(key, data) if key in self._held else super().sign(key, data)


class DataHouse(House):
    """A house whose root lists ingestion, features and the keys of orders."""

    def signers(self) -> list[SignerEntry]:
        """Return who may say what."""
        return [
            *super().signers(),
            self._entry(FactKind.BATCH, "/svc/core/ingestion", "fact-dataset-batch"),
            self._entry(FactKind.FEATURE_SET, "/svc/core/features", "fact-feature-set"),
            self._entry(FactKind.EVALUATION, "/svc/core/evaluator", "fact-evaluation"),
        ]

    def payload(self) -> dict[str, Any]:
        """Return what the founders assert."""
        orders = ("order-training", "order-evaluator")
        services = {name: self.keys.public_key(name) for name in ("grant", *orders)}
        return {**super().payload(), "services": services}


@dataclass(frozen=True)
class InProcess(Parts):
    """Parts whose clients reach other applications of the world without a socket."""

    reach: Callable[[str, str], httpx.Client]

    def client(self, service: str, grant: str | None = None, *, timeout: float = 30) -> httpx.Client:  # noqa: ARG002
        """Return a client that shows this service's identity."""
        return self.reach(f"/svc/core/{self.settings.service}", service)


class DataWorld:
    """One ledger, some people, and the services put into it."""

    def __init__(self, folder: Path, vault: RunningVault) -> None:
        self.folder = folder
        self.vault = vault
        self._undo = ExitStack()
        self.house = DataHouse(folder, keys=VaultKeys(vault.admin.vault()))
        self.house.enrol(DANA)
        self.log: Log = self._undo.enter_context(self.house.open(lease_seconds=5))
        self.house.found(self.log)
        self.append(self.house.role_fact(DANA, PEOPLE[DANA], "p-ada", "p-grace"))
        self.apps: dict[str, FastAPI] = {}

    def close(self) -> None:
        """End what was started, the newest first."""
        self._undo.close()

    def append(self, fact: Fact) -> Record:
        """Append a fact as whoever may say it."""
        return self.log.append(self.house.signer.sign(fact))

    def revoke(self, fact: str) -> None:
        """Have the registry revoke a fact, and its checkpoint come."""
        signed = self.log.publisher.newest().checkpoint.size
        self.append(revocation(fact))
        while self.log.publisher.newest().checkpoint.size <= signed:
            time.sleep(0.01)

    def parts(self, service: str, *, lease_seconds: float = 60) -> InProcess:
        """Join what a service stands on."""
        client = self.vault.login(service)
        self._undo.callback(client.close)
        http = self._undo.enter_context(self.house.http(self.log, f"/svc/core/{service}"))
        ledger = LedgerClient(http, self.house.root, CheckpointMemory(), FactSigner(client))
        follower = Follower(ledger, self.house.root, lease_seconds=lease_seconds)
        self._undo.callback(follower.close)
        follower.start()
        return InProcess(
            **_edge(service),
            settings=self.settings(service),
            vault=client,
            root=self.house.root,
            resources=ExitStack(),
            ledger=ledger,
            follower=follower,
            policy=OpaWasm(WASM, expected=follower.policy_revision),
            journaling=journaling(self._new_folder(service), SpiffeId(DOMAIN, f"/svc/core/{service}")),
            reach=self.reach,
        )

    def _new_folder(self, service: str) -> Path:
        """Return an empty folder: nobody lands journals in this world, and none is taken up at a start."""
        return Path(mkdtemp(prefix=f"{service}-", dir=self.folder))

    def settings(self, service: str) -> ServiceSettings:
        """Return a service's settings; its database is `<service>.db`, its objects `<service>-objects`."""
        given: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1")
        given |= {
            "service": service,
            "trust_domain": DOMAIN,
            "host": "127.0.0.1",
            "data_dir": self.folder / service,
            "database_url": f"sqlite:///{self.folder}/{service}.db",
            "objects_url": f"file://{self.folder}/{service}-objects",
        }
        return ServiceSettings(**given)

    def serve(self, service: str, app: FastAPI) -> None:
        """Make an application reachable."""
        self.apps[service] = app

    def reach(self, path: str, service: str) -> httpx.Client:
        """Connect to a service as a peer whose certificate says `path`."""
        spiffe = SpiffeId.parse(f"spiffe://{DOMAIN}{path}")
        inner = self._undo.enter_context(TestClient(As(self.apps[service], spiffe)))
        return httpx.Client(transport=Through(inner), base_url=f"https://{service}", trust_env=False)


def _edge(service: str) -> dict[str, Any]:
    return {
        "identity": Named(SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/{service}")),
        "tracer": tracer(service, None),
    }
