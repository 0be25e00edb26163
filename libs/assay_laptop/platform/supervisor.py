"""The supervisor of a laptop platform: starts the parts in order, watches them, restarts what dies, ends them.

Start order (DESIGN 4): Vault, unsealed with the home's secret; the ledger; its witness; OPA; then the rest side by
side. It holds no key of any service: for each start it mints a wrapped, single-use secret id, which only that part
can redeem.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import assay
from assay.errors import Unavailable
from assay_laptop.genesis.founding import found
from assay_laptop.home import SERVICES, Home, HomeMissing
from assay_laptop.platform import status as statuses
from assay_laptop.platform.acting import Actor, acting_as
from assay_laptop.platform.addresses import in_browsers, taken
from assay_laptop.platform.bootstrap import Launcher
from assay_laptop.platform.environment import Timing, service_environment
from assay_laptop.platform.process import Command, Part
from assay_laptop.platform.servers import OpaServer, VaultServer, python

READY_SECONDS = 120.0
TOLD_EVERY_SECONDS = 0.1
FIRST = ("ledger", "witness")  # nobody else starts without a checkpoint
Say = Callable[[str], None]


class Supervisor:
    """One platform on this machine. `up` and `down` are its life; `wait` keeps it company."""

    def __init__(self, home: Home, timing: Timing, *, say: Say) -> None:
        self.home = home
        self.timing = timing
        self.say = say
        self.parts: dict[str, Part] = {}
        self.servers: dict[str, str] = {}
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._known: dict[str, str] = {}
        self.opa: OpaServer | None = None
        self._up = False

    def up(self) -> None:
        """Start everything; begins the platform first when the home is new. Raises Unavailable by part."""
        began = time.monotonic()
        try:
            described = self.home.describe()
        except HomeMissing:
            found(self.home, say=self.say)
            described = self.home.describe()
        self.ports: dict[str, int] = described["ports"]
        self.trust_domain: str = described["trust_domain"]
        if busy := taken(self.ports):
            raise Unavailable(
                f"ports of {', '.join(busy)} are taken", fix="end what listens there, or make a new home"
            )
        self.home.make_run()
        self._start_vault(described["vault"])
        for service in FIRST:
            self._start_service(service, wait=True)
        self._start_opa(described["opa"])
        for service in SERVICES[len(FIRST) :]:
            self._start_service(service)
        for service in SERVICES[len(FIRST) :]:
            self._wait_for(service)
        self._up = True
        self._tell()
        self.say(
            f"platform up in {time.monotonic() - began:.1f} s: {len(self.parts)} parts in {self.home.path}"
        )
        self.say(in_browsers(self.ports))

    def wait(self) -> None:
        """Return when somebody asked for the end."""
        while not self._ended.wait(0.5):
            pass

    def ask_to_end(self) -> None:
        """Let `wait` return."""
        self._ended.set()

    def down(self) -> None:
        """End the parts, last started first, and remove the run folder with every private key in it."""
        parts = list(self.parts.values())
        for part in parts:
            part.expect_end()
        dependents = [part for part in parts if part.name not in {"vault", *FIRST}]
        stopping = [threading.Thread(target=part.stop) for part in dependents]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        if self.opa is not None:
            self.opa.close()
        for name in (*reversed(FIRST), "vault"):
            if name in self.parts:
                self.parts[name].stop()
        self.parts.clear()
        self.opa = None
        self._up = False
        shutil.rmtree(self.home.run, ignore_errors=True)

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Keep a part down for a while, and start it again."""
        part = self.parts[name]
        part.stop()
        try:
            yield
        finally:
            part.start()
            self._wait_for(name)

    def restart(self, name: str) -> None:
        """End a part and start it again."""
        with self.without(name):
            pass

    def acting_as(self, service: str) -> AbstractContextManager[Actor]:
        """Hold a core service's identity, as whoever holds the launcher's secret could."""
        return acting_as(
            service, self.home, log_in=self.launcher.log_in, ports=self.ports, trust_domain=self.trust_domain
        )

    # ---- parts

    def _start_vault(self, kind: str) -> None:
        server = VaultServer(self.home, self.ports["vault"], must_be=kind)
        self.servers["vault"] = server.description
        part = self._add("vault", server.command)
        part.until_answered = lambda: server.open(self.home.unlock())
        part.start()
        self.vault_ca = server.ca_path
        self.launcher = Launcher(server.url, server.ca_path, self.home.unlock())

    def _start_opa(self, kind: str) -> None:
        opa = OpaServer(
            self.home,
            self.ports,
            self.trust_domain,
            self.launcher,
            must_be=kind,
            timing=self.timing,
            say=self.say,
        )
        opa.restart = lambda: self.restart("opa")
        self.opa = opa
        self.servers["opa"] = opa.description
        part = self._add("opa", opa.command)
        part.until_answered = opa.wait
        part.start()

    def _start_service(self, service: str, *, wait: bool = False) -> None:
        self._add(service, partial(self._service_command, service)).start()
        if wait:
            self._wait_for(service)

    def _service_command(self, service: str) -> Command:
        role_id, wrapped = self.launcher.bootstrap(service)
        environment = service_environment(
            service,
            self.home,
            ports=self.ports,
            trust_domain=self.trust_domain,
            vault_ca=self.vault_ca,
            role_id=role_id,
            wrapped_secret_id=wrapped,
            timing=self.timing,
        )
        module = "services.training.evaluator" if service == "evaluator" else f"services.{service}"
        return Command(python("-m", module), environment)

    def _add(self, name: str, plan: Callable[[], Command]) -> Part:
        part = Part(name, plan, self.home.logs / f"{name}.log", partial(self._changed, name))
        part.events["version"] = {"version": self.servers.get(name, assay.__version__)}
        self.parts[name] = part
        return part

    def _wait_for(self, name: str) -> None:
        if self.parts[name].wait_ready(READY_SECONDS):
            return
        log = self.home.logs / f"{name}.log"
        raise Unavailable(f"{name} is {self.parts[name].state}", fix=f"read {log}")

    def _changed(self, name: str) -> None:
        part = self.parts.get(name)
        if part is None:
            return
        if part.state in {"restarting", "failed"} and self._known.get(name) != part.state:
            self.say(f"{name} died ({part.events.get('died', {}).get('code')}): {part.state}")
        self._known[name] = part.state
        self._tell()

    def _tell(self) -> None:
        with self._writing:
            described = {each.name: each.describe() for each in list(self.parts.values())}
            if self.home.run.exists():
                told = statuses.of_this_process(dict(self.servers), described, up=self._up)
                statuses.write(self.home, told)
