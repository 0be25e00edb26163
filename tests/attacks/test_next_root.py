"""A next root that does not count: said by too few, replayed, forked, or shown to somebody who holds an older one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.contracts import Fact, FactKind, sha256_hex
from assay.errors import HeadMoved, SignatureInvalid
from assay.ledger import CheckpointMemory, Root, admission, read_bundle
from assay.ledger.errors import LogForked
from services.ledger.log import Log
from tests.support.ledger import TIME, House, revocation, run
from tests.unit.ledger.test_succession import next_root, rotated

BOTH = ("p-ada", "p-grace")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def log(house: House) -> Iterator[Log]:
    with house.open() as opened:
        house.found(opened)
        yield opened


def dropping_grace(house: House, log: Log, *said_by: str) -> Fact:
    """Return a next root that only ada would have to say, by these founders."""
    admins = [json.loads(house.credential("p-ada").model_dump_json(exclude={"assertions"}))]
    return next_root(house, log, said_by, admins=admins, threshold=1)


@pytest.mark.threat("T-SIG-07")
def test_one_founder_alone_makes_no_root_that_drops_the_other(house: House, log: Log) -> None:
    for said_by in (("p-ada",), ("p-ada", "p-ada"), ("p-ada", "p-amir"), ()):
        with pytest.raises(SignatureInvalid):
            log.append(house.signer.sign(dropping_grace(house, log, *said_by)))
    assert log.root.version == 1
    log.append(house.signer.sign(dropping_grace(house, log, *BOTH)))
    assert [one.person for one in log.root.founders] == ["p-ada"]


@pytest.mark.control("T-SIG-07")
def test_without_the_old_founders_threshold_one_founder_would_drop_the_other(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = dropping_grace(house, log, "p-ada")
    monkeypatch.setattr(Root, "require_founders", lambda *_, **__: None)
    log.append(house.signer.sign(alone))
    assert [one.person for one in log.root.founders] == ["p-ada"]


@pytest.mark.threat("T-SIG-07")
def test_the_log_takes_no_root_that_a_founder_says_who_was_let_go(house: House, log: Log) -> None:
    let_go(house, log, "p-grace")
    with pytest.raises(SignatureInvalid, match="p-grace is revoked"):
        log.append(house.signer.sign(next_root(house, log)))
    assert log.root.version == 1


@pytest.mark.control("T-SIG-07")
def test_without_a_look_at_revocations_who_was_let_go_would_say_the_next_root(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go(house, log, "p-grace")
    monkeypatch.setattr(admission, "_refuse_revoked_founders", lambda *_: None)
    log.append(house.signer.sign(next_root(house, log)))
    assert log.root.version == 2


def let_go(house: House, log: Log, person: str) -> None:
    """Revoke a person, as somebody who leaves."""
    log.append(house.signer.sign(revocation(sha256_hex(f"person/{person}".encode()))))


@pytest.mark.threat("T-SIG-07")
def test_a_root_that_was_replaced_does_not_come_back(house: House, log: Log) -> None:
    """Its founders said it once: the same words again, as they were or after the newest head, put nothing back."""
    with_old_keys = house.signer.sign(next_root(house, log))
    log.append(with_old_keys)
    rotated(house, log)
    assert log.append(with_old_keys).index < log.tree.size - 1, "the same entry again is the same entry"
    head = log.head("root")
    assert head is not None
    again = Fact(FactKind.ROOT, "root", "", TIME, with_old_keys.fact.body, previous=head.digest)
    with pytest.raises(SignatureInvalid, match="follows another root"):
        log.append(house.signer.sign(again))
    with pytest.raises(HeadMoved):
        log.append(house.signer.sign(Fact(FactKind.ROOT, "root", "", "2027-01-01T00:00:00Z", again.body)))
    assert log.root.version == 3


@pytest.mark.threat("T-SIG-07")
def test_who_holds_the_first_root_walks_to_the_newest_and_takes_no_other_way(house: House, log: Log) -> None:
    """The founders said two roots after the first: each log holds one, and no verifier is led from one to the other."""
    other = House(house.folder / "other", keys=house.keys)
    other.people, other.root, other.author = house.people, house.root, house.author
    with other.open() as fork:
        other.found(fork)
        fork.append(other.signer.sign(next_root(other, fork, threshold=1)))
        said = fork.append(other.signer.sign(run("r-2")))
        index = rotated(house, log)
        rotated(house, log)
        ours = log.append(house.signer.sign(run("r-2")))
        with house.client(log, "/people/p-dana") as client, other.client(fork, "/people/p-dana") as forked:
            mine = client.proof_bundle([ours.digest], revocation_keys=[])
            theirs = forked.proof_bundle([said.digest], revocation_keys=[])
        assert read_bundle(mine, house.root).root.version == 3
        for roots in (theirs["roots"], [*mine["roots"][:1], *theirs["roots"]], mine["roots"][1:], []):
            with pytest.raises(SignatureInvalid):
                read_bundle({**mine, "roots": roots}, house.root)
        memory = CheckpointMemory()
        with house.client(log, "/people/p-dana", memory) as client:
            assert client.fact(ours.digest).index > index
        with other.client(fork, "/people/p-dana", memory) as forked, pytest.raises(LogForked):
            forked.fact(said.digest)
