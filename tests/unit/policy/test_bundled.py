"""Policy in process follows the newest fact: verified bundles are taken up while it runs, and nothing else is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.contracts import sha256_hex
from assay.errors import Forbidden, NotFound, ServiceError
from assay.identity.enrol import policy_fact
from assay.policy.asking import Asking
from assay.policy.bundle import PolicyBundle, PolicySignatureInvalid
from assay.policy.bundled import OpaBundle, PolicyNotLoaded
from assay.policy.force import NoPolicyInForce, StalePolicyAnswered
from assay.policy.shelf import PolicyBundleMissing, Shelf, policy_author
from tests.support.policy import Author, swapped
from tests.unit.policy.test_force import LEASE, Log

AUTHOR, STRANGER = Author(), Author()
DANA = Asking.at("/people/p-dana", person="p-dana", role="data-scientist")
OLD, NEW = AUTHOR.signed(), AUTHOR.signed(swapped())
SEARCH, APPEND, STATUS = "ledger/search", "ledger/append", "platform/status"


class House:
    """A shelf, a log of policy facts and an engine that follows them."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder, AUTHOR.key)
        self.log = Log()
        self.force = self.log.force()
        self.engine = OpaBundle(self.shelf, self.force)

    def activate(self, bundle: PolicyBundle, *, revision: str = "") -> None:
        """Put a bundle in force."""
        fact = policy_fact(
            revision=revision or bundle.revision,
            bundle=bundle.digest,
            preview="0" * 64,
            tenant="demo",
            time="2026-01-01T00:00:00Z",
        )
        record = self.log.activate("x")
        record = type(record)(record.index, type(record.signed)(fact, "0" * 64, b""))
        self.log.kept[-1] = record
        self.force.apply(record)

    def may(self, action: str) -> bool:
        """Say whether Dana may."""
        try:
            self.engine.require(action, DANA)
        except Forbidden:
            return False
        return True


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_nothing_is_allowed_before_a_policy_is_loaded(house: House) -> None:
    with pytest.raises(NoPolicyInForce):
        house.engine.step()
    with pytest.raises(PolicyNotLoaded):
        house.may(SEARCH)


def test_a_new_policy_is_taken_up_without_a_restart_and_the_one_before_answers_until_then(
    house: House,
) -> None:
    house.shelf.put(OLD.archive)
    house.activate(OLD)
    assert house.engine.step()
    assert not house.engine.step(), "it is loaded once"
    assert not house.may(APPEND)
    house.shelf.put(NEW.archive)
    house.activate(NEW)
    assert house.may(SEARCH), "the one before, within its lease"
    assert not house.may(APPEND)
    assert house.engine.step()
    assert house.may(APPEND)
    assert not house.may(SEARCH)
    assert house.engine.revision == NEW.revision


def test_a_bundle_that_cannot_be_loaded_is_refused_and_the_one_before_ends_with_its_lease(
    house: House,
) -> None:
    house.shelf.put(OLD.archive)
    house.activate(OLD)
    house.engine.step()
    house.activate(NEW)
    with pytest.raises(PolicyBundleMissing):
        house.engine.step()
    assert house.may(STATUS)
    house.log.seconds = LEASE + 1
    with pytest.raises(StalePolicyAnswered):
        house.may(STATUS)
    house.shelf.put(NEW.archive)
    house.engine.step()
    assert house.may(STATUS)


def test_a_bundle_by_another_key_is_neither_kept_nor_loaded(house: House, tmp_path: Path) -> None:
    strange = STRANGER.archive(swapped())
    with pytest.raises(PolicySignatureInvalid):
        house.shelf.put(strange)
    digest = sha256_hex(strange)
    (tmp_path / f"{digest}.tar.gz").write_bytes(strange)
    house.activate(PolicyBundle.verified(strange, STRANGER.public_pem))
    with pytest.raises(PolicySignatureInvalid):
        house.engine.step()
    with pytest.raises(PolicyNotLoaded):
        house.may(SEARCH)


def test_a_bundle_of_another_revision_than_the_fact_names_is_not_loaded(house: House) -> None:
    house.shelf.put(NEW.archive)
    house.activate(NEW, revision=OLD.revision)
    with pytest.raises(PolicyNotLoaded, match="is revision"):
        house.engine.step()


def test_a_file_that_is_not_its_digest_is_no_bundle(house: House, tmp_path: Path) -> None:
    house.shelf.put(OLD.archive)
    (tmp_path / f"{OLD.digest}.tar.gz").write_bytes(NEW.archive)
    with pytest.raises(PolicyBundleMissing):
        house.shelf.get(OLD.digest)
    house.shelf.put(OLD.archive)
    assert house.shelf.get(OLD.digest).revision == OLD.revision


def test_what_the_folder_lacks_is_asked_for_verified_and_kept(tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(digest: str) -> bytes:
        asked.append(digest)
        return {OLD.digest: OLD.archive, NEW.digest: OLD.archive}[digest]

    shelf = Shelf(tmp_path, AUTHOR.key, fetch=fetch)
    assert shelf.get(OLD.digest).revision == shelf.get(OLD.digest).revision
    assert asked == [OLD.digest]
    with pytest.raises(PolicyBundleMissing, match="something else"):
        shelf.get(NEW.digest)
    with pytest.raises(ServiceError):
        shelf.get("../../etc/passwd")


@dataclass
class Roots:
    """A root whose policy author was another one before entry 10."""

    services: dict[str, str]
    before: str = ""

    def service_key(self, name: str, index: int) -> str:
        """See `Root.service_key`."""
        return self.before if index < 10 else self.services[name]


def test_a_root_that_names_no_policy_author_believes_no_bundle() -> None:
    assert policy_author(Roots({"policy": "pem"}))(None) == "pem"
    with pytest.raises(PolicySignatureInvalid):
        policy_author(Roots({"grant": "pem"}))(None)


def test_what_an_author_signed_counts_for_the_facts_of_their_time_and_no_later_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, policy_author(Roots({"policy": STRANGER.public_pem}, before=AUTHOR.public_pem)))
    shelf.put(OLD.archive, at=9)
    assert shelf.get(OLD.digest, at=9).revision == OLD.revision
    for at in (10, None):
        with pytest.raises(PolicySignatureInvalid):
            shelf.get(OLD.digest, at=at)
    with pytest.raises(PolicySignatureInvalid):
        shelf.put(NEW.archive)
    later = STRANGER.archive()
    assert shelf.get(shelf.put(later).digest, at=10).archive == later
    with pytest.raises(PolicySignatureInvalid):
        shelf.get(sha256_hex(later), at=9)


def test_the_thread_takes_up_what_is_activated_and_recovers_by_itself(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.shelf.put(OLD.archive)
    house.activate(OLD)
    engine = OpaBundle(house.shelf, house.force, look_every_seconds=0.01)
    engine.start()
    try:
        assert engine.revision == OLD.revision
        house.activate(NEW)
        with pytest.raises(NotFound):
            engine.step()
        house.shelf.put(NEW.archive)
        until = time.monotonic() + 60
        while engine.revision != NEW.revision and time.monotonic() < until:
            time.sleep(0.01)
        assert engine.revision == NEW.revision
    finally:
        engine.close()
