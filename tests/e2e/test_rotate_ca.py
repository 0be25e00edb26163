"""Another root for the running platform's certificates, under load; then nothing of the old one is taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from assay.contracts import SpiffeId
from assay.errors import ServiceError
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay_laptop import rotation
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from tests.conftest import Running
from tests.e2e.test_revoked_identity import listeners


class Asking:
    """People who predict and read without pause; what failed is kept."""

    def __init__(self, running: Running) -> None:
        self.answers, self.failures = 0, list[str]()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in self.asked(running)]

    def asked(self, running: Running) -> list[Callable[[], object]]:
        """Return what is asked without pause, each in a thread of its own."""
        session, rows = running.thread.sessions["dana"], running.thread.rows()
        return [
            lambda: session.endpoints.predict(ENVIRONMENT, ENDPOINT, rows),
            lambda: session.models.version(MODEL, 1),
            lambda: session.data.batches("statements"),
        ]

    def _ask(self, ask: Callable[[], object]) -> None:
        while not self._stop.is_set():
            try:
                ask()
                self.answers += 1
            except (ServiceError, httpx.HTTPError) as error:
                self.failures.append(repr(error))
            time.sleep(0.1)

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


@pytest.fixture(scope="module")
def stale(running: Running) -> Iterator[WorkloadIdentity]:
    """A part's certificate of the root there is before; it follows the bundle, and nobody renews it."""
    platform = running.platform
    spiffe = SpiffeId(platform.trust_domain, "/svc/core/tracking")
    vault = platform.launcher.log_in("tracking")
    with TemporaryDirectory() as folder:
        yield WorkloadIdentity.obtain(
            lambda csr: vault.sign_csr("tracking", csr, uri=str(spiffe), ttl_seconds=3600),
            spiffe=spiffe,
            ca_pem=TrustBundle(platform.home.ca),
            run_dir=Path(folder),
            renew=False,
        )
    vault.close()


def answered(running: Running, identity: WorkloadIdentity) -> dict[str, bool]:
    """Return which listeners take this certificate, whatever they answer."""
    identity.trust(running.platform.home.ca.read_text())
    found = {}
    for name, (address, whom, path) in listeners(running).items():
        with identity.client(address, expect=whom) as http:
            try:
                found[name] = http.get(path).status_code > 0
            except httpx.TransportError:
                found[name] = False
    return found


def test_the_root_is_replaced_while_people_ask_and_no_request_fails(
    running: Running, stale: WorkloadIdentity, record_property: Callable[[str, object], None]
) -> None:
    home, said = running.platform.home, list[str]()
    processes = {part.name: part.process for part in running.platform.parts.values()}
    asking = Asking(running)
    with asking.going_on():
        rotation.begin(home, say=said.append)
        with pytest.raises(rotation.TooEarly):
            rotation.finish(home, say=said.append)
        assert set(answered(running, stale).values()) == {True}  # both roots are believed
        time.sleep(1)
    assert asking.failures == []
    record_property("requests while the root was replaced", asking.answers)
    assert asking.answers > 0
    rotation.finish(home, say=said.append, now=True)
    assert {part.name: part.process for part in running.platform.parts.values()} == processes


def test_afterwards_a_certificate_of_the_old_root_is_taken_nowhere_and_people_log_in_again(
    running: Running, stale: WorkloadIdentity
) -> None:
    assert set(answered(running, stale).values()) == {False}
    running.thread.log_in()
    dana = running.thread.sessions["dana"]
    assert dana.endpoints.predict(ENVIRONMENT, ENDPOINT, running.thread.rows())
    assert dana.models.version(MODEL, 1)
