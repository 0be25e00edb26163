"""Certificates of twenty seconds under load for a minute on a whole platform: requests, failures, renewals.

Nothing is trained here: Ray does not start where the machine is busy. A predictor renews as every other part does.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from assay.contracts import SpiffeId
from assay.errors import ServiceError
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay.web.client import call
from assay_laptop.platform import status as statuses
from assay_laptop.platform.addresses import url
from assay_laptop.platform.environment import Timing
from assay_laptop.platform.supervisor import Supervisor
from benchmarks.report import Row
from benchmarks.support.platform import started

CERTIFICATE_SECONDS: Final = 20
LOAD_SECONDS: Final = 60
WHO: Final = "training"  # a service that may read the ledger and the registry
PAUSE: Final = 0.005


def run() -> Iterable[Row]:
    """Start such a platform, then load it; every request counts."""
    timing = Timing(certificate=CERTIFICATE_SECONDS)
    with started(timing) as supervisor, asked(supervisor) as asks:
        load, renewals = Load(asks), Renewals(supervisor)
        end = time.monotonic() + LOAD_SECONDS
        with load.going_on():
            while time.monotonic() < end:
                renewals.look()
                time.sleep(0.5)
    yield from load.rows()
    yield Row(
        f"certificates of {CERTIFICATE_SECONDS} s, {LOAD_SECONDS} s of load: failed requests",
        str(sum(load.failed.values())),
        "",
        "",
        "0",
        f"{sum(load.answered.values()):,} requests; {renewals.total} renewals seen in {renewals.parts} parts"
        + "".join(f"; {failure}" for failure in load.reasons[:3]),
    )


class Load:
    """One thread an ask, over and over; what failed is kept with its reason."""

    def __init__(self, asks: dict[str, Callable[[], object]]) -> None:
        self.answered: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.reasons: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=one) for one in asks.items()]
        self._names = list(asks)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Ask for the length of a block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def rows(self) -> Iterable[Row]:
        """Say what was asked of whom."""
        for name in self._names:
            note = f"{self.answered[name] / LOAD_SECONDS:,.0f}/s"
            yield Row(name, f"{self.answered[name]:,} answered", "", "", "", note)

    def _ask(self, name: str, ask: Callable[[], object]) -> None:
        while not self._stop.is_set():
            try:
                ask()
                self.answered[name] += 1
            except (ServiceError, httpx.HTTPError) as error:
                self.failed[name] += 1
                self.reasons.append(f"{name}: {error!r}")
            time.sleep(PAUSE)


class Renewals:
    """How often parts were seen with another certificate than before."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._home = supervisor.home
        self._seen: dict[str, str] = {}
        self.total = 0

    @property
    def parts(self) -> int:
        """How many parts tell of their certificate."""
        return len(self._seen)

    def look(self) -> None:
        """Read the platform's status."""
        found = statuses.read(self._home)
        for name, part in (found.parts if found else {}).items():
            ends = part.get("certificate", {}).get("not_after")
            if ends is not None:
                self.total += ends != self._seen.setdefault(name, ends)
                self._seen[name] = ends


@contextmanager
def asked(supervisor: Supervisor) -> Iterator[dict[str, Callable[[], object]]]:
    """Give what is asked: by a service with such a certificate over kept connections and new ones."""
    with TemporaryDirectory() as folder, renewed(supervisor, Path(folder)) as identity:
        ledger = identity.client(url(supervisor.ports, "ledger"), expect="ledger")
        registry = identity.client(url(supervisor.ports, "registry"), expect="registry")
        people = identity.client(url(supervisor.ports, "identity"), expect="identity")

        def anew() -> object:
            with identity.client(url(supervisor.ports, "registry"), expect="registry") as fresh:
                return call(fresh.get("/v1/models"))

        with ledger, registry, people:
            yield {
                "ledger: the newest checkpoint": lambda: call(ledger.get("/v1/checkpoint")),
                "registry: models, decided by OPA": lambda: call(registry.get("/v1/models")),
                "identity: people, decided by OPA": lambda: call(people.get("/v1/people")),
                "registry: models, each on a new connection": anew,
            }


@contextmanager
def renewed(supervisor: Supervisor, folder: Path) -> Iterator[WorkloadIdentity]:
    """Hold a service's identity of as short a certificate, renewed at half-life as a part's."""
    spiffe = SpiffeId(supervisor.trust_domain, f"/svc/core/{WHO}")
    vault = supervisor.launcher.log_in(WHO)

    def issue(csr: str) -> str:
        return vault.sign_csr(WHO, csr, uri=str(spiffe), ttl_seconds=CERTIFICATE_SECONDS)

    bundle = TrustBundle(supervisor.home.ca)
    identity = WorkloadIdentity.obtain(issue, spiffe=spiffe, ca_pem=bundle, run_dir=folder)
    try:
        yield identity
    finally:
        identity.close()
        vault.close()
