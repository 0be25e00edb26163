"""Both OPA servers believe a changed bundle of roots without being started again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assay.contracts import SpiffeId
from assay.identity.trust import TrustBundle, roots_in
from assay.identity.workload import WorkloadIdentity
from assay_laptop.opa import launch
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
from assay_laptop.platform.addresses import free_ports
from assay_laptop.rotation import shows
from tests.support.policy import Author
from tests.unit.identity.authority import DOMAIN, Authority

HANG_SECONDS = 60.0
PAUSE = 0.1


class Opa:
    """An OPA server under an identity that follows a bundle."""

    def __init__(self, program: Path | None, folder: Path) -> None:
        self.folder, self.old, self.new = folder, Authority("old root"), Authority("new root")
        self.bundle = folder / "ca.pem"
        self.publish(self.old)
        self.identity = self.workload("opa", self.old)
        self.port = free_ports(1)[0]
        files = launch.Files(self.identity.certificate_path, self.identity.key_path, self.identity.ca_path)
        run_dir = folder / "run"
        run_dir.mkdir()
        author = Author()
        self.feed = Feed(run_dir, Certificates(files.certificate, files.key, files.ca))
        self.feed.offer(author.signed())
        command = launch.command(
            program,
            files,
            self.feed,
            policy_key_pem=author.public_pem,
            port=self.port,
            trust_domain=DOMAIN,
            run_dir=run_dir,
        )
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def publish(self, *roots: Authority) -> None:
        """Write the bundle by rename."""
        fresh = self.bundle.with_suffix(".new")
        fresh.write_text("".join(root.ca_pem for root in roots))
        fresh.replace(self.bundle)

    def workload(self, service: str, by: Authority) -> WorkloadIdentity:
        """Return a part's identity, certified by one of the roots."""
        spiffe = SpiffeId(DOMAIN, f"/svc/core/{service}")
        return WorkloadIdentity.obtain(
            by.issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=TrustBundle(self.bundle),
            run_dir=self.folder / f"{service}-{len(list(self.folder.iterdir()))}",
        )

    def answers(self, identity: WorkloadIdentity) -> bool:
        """Say whether OPA takes a client's certificate, and shows one the client believes."""
        with identity.client(f"https://127.0.0.1:{self.port}", expect="opa", timeout=5) as http:
            try:
                return http.get("/health").is_success
            except httpx.TransportError:
                return False

    def until(self, identity: WorkloadIdentity, *, answers: bool) -> None:
        """Wait until it takes a client, or does not any more."""
        end = time.monotonic() + HANG_SECONDS
        while self.answers(identity) is not answers:
            assert time.monotonic() < end
            time.sleep(PAUSE)

    def until_shown(self, root: Authority) -> None:
        """Wait until it shows a certificate of a root."""
        end = time.monotonic() + HANG_SECONDS
        while not shows(self.port, roots_in(root.ca_pem)[0]):
            assert time.monotonic() < end
            time.sleep(PAUSE)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(HANG_SECONDS)
        self.feed.close()
        self.identity.close()


@pytest.fixture(params=["built-in", "real"])
def opa(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opa]:
    program = launch.find_opa()
    if request.param == "real" and program is None:
        pytest.skip("there is no `opa` on the PATH or in ASSAY_BIN")
    running = Opa(program if request.param == "real" else None, tmp_path)
    yield running
    running.close()


def test_a_client_of_a_new_root_is_taken_during_the_overlap_and_one_of_the_old_root_not_after_it(
    opa: Opa,
) -> None:
    before = opa.workload("features", opa.old)
    opa.until(before, answers=True)
    opa.publish(opa.old, opa.new)
    after = opa.workload("training", opa.new)
    opa.until(after, answers=True)
    assert opa.answers(before)
    opa.publish(opa.new, opa.old)
    opa.identity._issue = opa.new.issuer(str(opa.identity.spiffe_id))
    opa.identity.renew()
    opa.until_shown(opa.new)
    opa.until(after, answers=True)
    opa.until(before, answers=True)
    opa.publish(opa.new)
    opa.until(before, answers=False)
    opa.until(after, answers=True)
    for each in (before, after):
        each.close()
