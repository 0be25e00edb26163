"""Another root in the place of the first, under load: nobody is refused who should not be, and nothing restarts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assay.errors import SignatureInvalid
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from tests.integration.identity.lab import Lab, spiffe
from tests.integration.identity.test_mutual_tls import REFUSED, Load
from tests.unit.identity.authority import Authority

HANG_SECONDS = 60.0


class Vault:
    """Whose root issues now; certificates live for a minute."""

    def __init__(self, root: Authority) -> None:
        self.root = root

    def workload(self, path: str, bundle: Path, folder: Path) -> WorkloadIdentity:
        """Return a part's identity that follows the bundle."""

        def issue(csr: str) -> str:
            return self.root.issue(csr, [str(spiffe(path))], seconds=60)

        return WorkloadIdentity.obtain(issue, spiffe=spiffe(path), ca_pem=TrustBundle(bundle), run_dir=folder)


class House:
    """A listener and a client whose roots come from one file."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.old, self.new = Authority("old"), Authority("new")
        self.bundle = folder / "bundle.pem"
        self.publish(self.old)
        self.vault = Vault(self.old)
        self.server = self.vault.workload("/svc/core/registry", self.bundle, folder / "server")
        self.client = self.vault.workload("/svc/core/serving", self.bundle, folder / "client")
        self.url = lab.serve(lab.app, self.server)

    def publish(self, *roots: Authority) -> None:
        """Write the bundle by rename."""
        fresh = self.bundle.with_suffix(".new")
        fresh.write_text("".join(root.ca_pem for root in roots))
        fresh.replace(self.bundle)

    def until_believed(self, *roots: Authority) -> None:
        """Wait until both sides believe exactly these, and hold a certificate of the first."""
        end = time.monotonic() + HANG_SECONDS
        wanted = "".join(root.ca_pem for root in roots)
        sides = (self.server, self.client)
        bundle = TrustBundle(self.bundle)
        while not all(
            side.ca_pem == wanted and bundle.issues(side.certificate_path.read_text()) for side in sides
        ):
            assert time.monotonic() < end
            time.sleep(0.02)

    def close(self) -> None:
        """Stop renewing."""
        self.server.close()
        self.client.close()


@pytest.fixture
def house(lab: Lab, tmp_path: Path) -> Iterator[House]:
    made = House(lab, tmp_path)
    yield made
    made.close()


def test_a_root_is_replaced_under_load_without_a_failed_request(house: House) -> None:
    load = Load(house.url, house.client)
    house.publish(house.old, house.new)
    house.until_believed(house.old, house.new)
    house.vault.root = house.new
    house.publish(house.new, house.old)
    house.until_believed(house.new, house.old)
    house.publish(house.new)
    house.until_believed(house.new)
    load.end(after=len(load.answers) + 50)
    assert load.failures == []
    assert set(load.answers) == {200}


def test_before_the_overlap_and_after_the_end_a_certificate_of_the_other_root_is_refused(
    lab: Lab, house: House
) -> None:
    def asks(by: Authority) -> None:
        stranger = WorkloadIdentity.obtain(
            by.issuer(str(spiffe("/svc/core/serving"))),
            spiffe=spiffe("/svc/core/serving"),
            ca_pem=house.old.ca_pem + house.new.ca_pem,
            run_dir=lab.folder / f"stranger-{time.monotonic_ns()}",
            renew=False,
        )
        with stranger.client(house.url, expect="registry") as http:
            assert http.get("/v1/who").status_code == 200

    asks(house.old)
    with pytest.raises(REFUSED):
        asks(house.new)
    house.publish(house.old, house.new)
    house.until_believed(house.old, house.new)
    asks(house.old)
    asks(house.new)
    house.vault.root = house.new
    house.publish(house.new)
    house.until_believed(house.new)
    asks(house.new)
    with pytest.raises(REFUSED):
        asks(house.old)


def test_requests_after_a_renewal_go_out_on_new_connections_while_a_slow_answer_ends_on_the_old(
    lab: Lab,
) -> None:
    calling = lab.workload("/svc/core/serving")
    with calling.client(lab.url, expect="registry") as http:
        pools = http._transport
        with http.stream("GET", "/v1/who") as slow:
            before = pools._pool  # type: ignore[attr-defined]
            calling.renew()
            assert http.get("/v1/who").status_code == 200
            after = pools._pool  # type: ignore[attr-defined]
            assert (after is not before, before.busy) == (True, 1)
            assert slow.read()
        assert (before.busy, before.transport._pool.connections) == (0, [])
        assert http.get("/v1/who").status_code == 200
        assert pools._pool is after  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "nonsense", "leaf"])
def test_a_bundle_that_holds_no_roots_changes_nothing(house: House, text: str) -> None:
    before = house.server.ca_pem
    leaf = house.server.certificate_path.read_text()
    bundle = TrustBundle(house.bundle)
    house.bundle.write_text(leaf if text == "leaf" else text)
    with pytest.raises(SignatureInvalid):
        bundle.changed()
    time.sleep(1.2)  # the holders look twice a second
    assert house.server.ca_pem == before
    with house.client.client(house.url, expect="registry") as http:
        assert http.get("/v1/who").status_code == 200


def test_a_bundle_that_others_could_write_is_not_believed(house: House) -> None:
    bundle = TrustBundle(house.bundle)
    house.publish(house.new)
    house.bundle.chmod(0o666)
    with pytest.raises(SignatureInvalid, match="others"):
        bundle.changed()
    with pytest.raises(SignatureInvalid, match="others"):
        TrustBundle(house.bundle)


def test_a_bundle_that_is_being_replaced_or_gone_for_a_moment_changes_nothing(house: House) -> None:
    bundle = TrustBundle(house.bundle)
    os.unlink(house.bundle)  # noqa: PTH108 - as a mount does it
    assert not bundle.changed()
    house.publish(house.old)
    assert not bundle.changed()
    house.publish(house.old, house.new)
    assert bundle.changed()


def test_many_threads_share_a_client_through_many_renewals(lab: Lab) -> None:
    calling = lab.workload("/svc/core/serving")
    failures: list[httpx.HTTPError] = []
    stop = threading.Event()
    with calling.client(lab.url, expect="registry") as http:

        def ask() -> None:
            while not stop.is_set():
                try:
                    assert http.get("/v1/who").status_code == 200
                except httpx.HTTPError as error:
                    failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(30):
            calling.renew()
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
