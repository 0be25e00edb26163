"""The two foreign servers of a laptop: Vault and OPA, real where found on the PATH, else built in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx

from assay.contracts import SpiffeId
from assay.errors import Unavailable
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay.vault.admin import VaultAdmin
from assay_laptop.home import Home, OtherServers, Unlock
from assay_laptop.opa import launch
from assay_laptop.platform.addresses import url
from assay_laptop.platform.bootstrap import Launcher
from assay_laptop.platform.environment import Timing, clean_environment
from assay_laptop.platform.process import Command
from assay_laptop.vault.launch import BUILT_IN, VaultProgram, find_vault, start

ANSWER_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.05


def python(*arguments: str) -> tuple[str, ...]:
    """Return the command line that runs this Python."""
    return (sys.executable, *arguments)


def opa_kind() -> str:
    """Return which OPA a new home is made with: `opa` or `built-in`."""
    return "opa" if launch.find_opa() else BUILT_IN


class VaultServer:
    """Vault on loopback with its sealed storage in the home; the listener's key is made once per run."""

    def __init__(self, home: Home, port: int, *, must_be: str | None = None) -> None:
        program = find_vault() if must_be != BUILT_IN else VaultProgram(BUILT_IN)
        if must_be is not None and program.kind != must_be:
            raise OtherServers(f"this home was made with {must_be}, and the Vault found is {program.kind}")
        self._start = start(program, home.path / "vault", home.run / "vault", port)
        self.kind = program.kind
        self.description = program.version()
        self.url = self._start.url
        self.ca_path = self._start.ca_path

    def command(self) -> Command:
        """Return how Vault is started; it comes up sealed."""
        return Command(self._start.argv, self._start.environment)

    def open(self, unlock: Unlock) -> None:
        """Unseal it, as soon as it answers."""
        with self.administered() as admin:
            admin.unseal(unlock.unseal_key)

    @contextmanager
    def administered(self) -> Iterator[VaultAdmin]:
        """Give an administrator at the running Vault, once it answers."""
        admin = VaultAdmin(self.url, self.ca_path)
        try:
            until_answered("vault", lambda: admin.seal_status() is not None)
            yield admin
        finally:
            admin.close()


class OpaServer:
    """OPA under its own identity; whoever starts it fetches and renews its certificate."""

    def __init__(
        self,
        home: Home,
        ports: Mapping[str, int],
        trust_domain: str,
        launcher: Launcher,
        *,
        must_be: str,
        timing: Timing,
    ) -> None:
        self._program = launch.find_opa() if must_be != BUILT_IN else None
        if must_be != BUILT_IN and self._program is None:
            raise OtherServers(f"this home was made with {must_be}, and there is no `opa` on the PATH")
        self._port = ports["opa"]
        self._trust_domain = trust_domain
        self._spiffe = SpiffeId(trust_domain, "/svc/core/opa")
        self._launcher = launcher
        self._timing = timing
        self._folder = home.run / "opa"
        self._folder.mkdir(mode=0o700)
        self._vault = launcher.log_in("opa")
        self.identity = WorkloadIdentity.obtain(
            self._issue, spiffe=self._spiffe, ca_pem=TrustBundle(home.ca), run_dir=self._folder
        )
        self.description = launch.describe(self._program)

    def _issue(self, csr: str) -> str:
        if not self._vault.alive:
            self._vault = self._launcher.log_in("opa")
        return self._vault.sign_csr("opa", csr, uri=str(self._spiffe), ttl_seconds=self._timing.certificate)

    def command(self) -> Command:
        """Return how OPA is started."""
        files = launch.Files(self.identity.certificate_path, self.identity.key_path, self.identity.ca_path)
        argv = launch.command(
            self._program, files, port=self._port, trust_domain=self._trust_domain, run_dir=self._folder
        )
        return Command(tuple(argv), clean_environment())

    def wait(self) -> None:
        """Return when OPA answers; raises Unavailable when it does not."""
        address = url({"opa": self._port}, "opa")
        with self.identity.client(address, expect="opa", timeout=2) as http:
            until_answered("opa", lambda: http.get("/health").is_success)

    def close(self) -> None:
        """Stop renewing, and log out."""
        self.identity.close()
        self._vault.close()


def until_answered(name: str, ask: Callable[[], bool]) -> None:
    """Return when `ask` says yes; a refused connection is a no."""
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        try:
            if ask():
                return
        except (httpx.TransportError, Unavailable):
            pass
        time.sleep(LOOK_EVERY_SECONDS)
    raise Unavailable(
        f"{name} does not answer after {ANSWER_SECONDS:.0f} s", fix=f"read the log of {name} in the home"
    )
