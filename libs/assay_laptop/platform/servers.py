"""The two foreign servers of a laptop: Vault and OPA, real where found on the PATH, else built in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from assay.contracts import PolicyActivated, SpiffeId, body_of
from assay.errors import Unavailable
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay.ledger import CheckpointMemory, LedgerClient, Root
from assay.ledger.in_force import root_in_force
from assay.policy.bundle import PolicyBundle
from assay.policy.shelf import Shelf, policy_author
from assay.vault.admin import VaultAdmin
from assay_laptop.home import Home, OtherServers, Unlock
from assay_laptop.opa import launch
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
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


class NewestPolicy:
    """The bundle that the newest policy fact names: the fact as the ledger proves it, the bundle off the shelf.

    `key` is its author's (PEM).
    """

    def __init__(self, identity: WorkloadIdentity, root: Root, bundles: Path, ledger_url: str) -> None:
        self._http = identity.client(ledger_url, expect="ledger", timeout=5)
        self._ledger = LedgerClient(self._http, root, CheckpointMemory())
        self._author = policy_author(root_in_force(lambda: self._ledger.root))
        self._shelf = Shelf(bundles, self._author)
        self.key = self._author(None)
        self._known: PolicyBundle | None = None

    def newest(self) -> PolicyBundle:
        """Return it, verified.

        Raises:
            ServiceError: the ledger does not answer, or the bundle it names is nowhere or not to be believed.
        """
        head = self._ledger.head("policy")
        if head is None:
            raise Unavailable("no policy was ever activated")
        digest = body_of(head.fact, PolicyActivated).bundle
        if self._known is None or self._known.digest != digest:
            self._known = self._shelf.get(digest, at=head.index)
            self.key = self._author(head.index)
        return self._known

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


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
        say: Callable[[str], None],
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
        self._policy = NewestPolicy(self.identity, Root.load(home.root), home.policy, url(ports, "ledger"))
        self._files = launch.Files(
            self.identity.certificate_path, self.identity.key_path, self.identity.ca_path
        )
        self._feed = Feed(
            self._folder, Certificates(self._files.certificate, self._files.key, self._files.ca)
        )
        self.restart: Callable[[], None] = lambda: None  # OPA is told of an author at its start alone
        self._feed.offer(self._policy.newest())
        self._told = self._policy.key
        self._feed.follow(self._newest, say)

    def _newest(self) -> PolicyBundle:
        """Return the policy in force; one by another author than OPA was told of restarts it."""
        newest = self._policy.newest()
        if self._policy.key != self._told:
            self._feed.offer(newest)
            self._told = self._policy.key
            self.restart()
        return newest

    def _issue(self, csr: str) -> str:
        if not self._vault.alive:
            self._vault = self._launcher.log_in("opa")
        return self._vault.sign_csr("opa", csr, uri=str(self._spiffe), ttl_seconds=self._timing.certificate)

    def command(self) -> Command:
        """Return how OPA is started."""
        argv = launch.command(
            self._program,
            self._files,
            self._feed,
            policy_key_pem=self._policy.key,
            port=self._port,
            trust_domain=self._trust_domain,
            run_dir=self._folder,
        )
        return Command(tuple(argv), clean_environment())

    def wait(self) -> None:
        """Return when OPA answers; raises Unavailable when it does not."""
        address = url({"opa": self._port}, "opa")
        with self.identity.client(address, expect="opa", timeout=2) as http:
            until_answered("opa", lambda: http.get("/health?bundles").is_success)

    def close(self) -> None:
        """Stop following and renewing, and log out."""
        self._feed.close()
        self._policy.close()
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
