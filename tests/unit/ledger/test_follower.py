"""A follower believes nothing it has not verified, and projections are replayed facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from assay.contracts import FactKind, SignedFact
from assay.errors import SignatureInvalid, Stale, Unavailable
from assay.ledger import Checkpoint, Follower, LogForked, Record
from assay.ledger.checkpoint import open_note, sign_note
from assay.ledger.known import Maps
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.log import Log
from tests.support.ledger import House, revocation, run


class LyingLog:
    """A ledger that holds the log's key and signs whatever entries it likes."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.signed: list[SignedFact] = []
        self.time_ms = 1_000
        self.checkpoints: Callable[[Checkpoint], Checkpoint] = lambda said: said
        self.down = False

    def say(self, *signed: SignedFact) -> None:
        """Add entries without asking whether they count."""
        self.signed += signed

    @property
    def acknowledged(self) -> int:
        """Everything."""
        return len(self.signed)

    def checkpoint(self) -> Checkpoint:
        """Sign what there is."""
        if self.down:
            raise Unavailable("down")
        self.time_ms += 1
        records = self.entries(0)
        tree, maps = Tree(leaf_hash(one.to_bytes()) for one in self.signed), Maps().after(records)
        origin = self.house.root.log_origin
        said = Checkpoint(
            origin, tree.size, tree.root(), maps.revocations.root, maps.heads.root, self.time_ms
        )
        pem = self.house.root.log_key_pem
        note = sign_note(self.checkpoints(said), pem, lambda data: self.house.keys.sign("log", data))
        return open_note(note, origin, pem)

    def next_checkpoint(self, after_ms: int, seconds: float) -> Checkpoint:
        """Sign what there is, at once."""
        assert after_ms <= self.time_ms
        assert seconds > 0
        return self.checkpoint()

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """Return entries."""
        return [Record(n, one) for n, one in enumerate(self.signed)][start : start + limit]


@dataclass
class Listing:
    """A projection that writes down what it was given."""

    seen: list[Record] = field(default_factory=list)
    start: int = 0

    def applied(self) -> int:
        """Return the next index wanted."""
        return self.start + len(self.seen)

    def apply(self, record: Record) -> None:
        """Write it down."""
        self.seen.append(record)


@pytest.fixture
def lying(house: House) -> LyingLog:
    log = LyingLog(house)
    log.say(*map(house.signer.sign, house.opening_facts()))
    return log


def follower(house: House, log: LyingLog, **options: Any) -> Follower:  # noqa: ANN401 - the follower's
    return Follower(log, house.root, lease_seconds=60, clock=lambda: 1.0, monotonic=lambda: 1.0, **options)


def test_a_follower_knows_what_the_facts_say(house: House, lying: LyingLog) -> None:
    first = house.signer.sign(run("r-1"))
    lying.say(first, house.signer.sign(revocation(first.fact.digest)))
    followed = follower(house, lying)
    assert followed.catch_up() == followed.size == len(lying.signed)
    record = followed.record(first.fact.digest)
    assert record == followed.head("run/r-1") == followed.records(FactKind.RUN)[0]
    assert followed.records(about_prefix="role/demo/p-amir/")[0].kind is FactKind.ROLE
    assert followed.revoked(first.fact.digest)
    assert followed.roles("p-ada", "demo") == {"administrator"}
    amir = house.people["p-amir"].credential
    assert followed.credential("p-amir", amir.credential_id)
    assert followed.credential("p-bea", amir.credential_id) is None
    assert len(followed.policy_revision()) == 64
    assert followed.record("0" * 64) is None
    assert followed.head("run/none") is None


def test_it_sees_what_the_root_does_not_admit_and_says_so_for_good(house: House, lying: LyingLog) -> None:
    followed = follower(house, lying)
    followed.catch_up()
    forged = house.signer.sign(run("r-1"))
    lying.say(replace(forged, signature=house.signer.sign(run("r-2")).signature))
    with pytest.raises(SignatureInvalid, match="does not count"):
        followed.catch_up()
    lying.signed.pop()
    for ask in (followed.catch_up, followed.fresh, followed.policy_revision, lambda: followed.head("root")):
        with pytest.raises(SignatureInvalid):
            ask()


def test_it_sees_an_approver_made_by_one_administrator(house: House, lying: LyingLog) -> None:
    lying.say(house.signer.sign(house.role_fact("p-bea", "risk", "p-ada")))
    with pytest.raises(SignatureInvalid, match="administrators say"):
        follower(house, lying).catch_up()


def test_it_sees_two_facts_after_one_head(house: House, lying: LyingLog) -> None:
    lying.say(*(house.signer.sign(run("r-1", time=f"2026-01-02T03:04:0{n}Z")) for n in (1, 2)))
    with pytest.raises(LogForked, match="does not follow"):
        follower(house, lying).catch_up()


@pytest.mark.parametrize(
    "change",
    [
        lambda said: replace(said, root=b"x" * 32),
        lambda said: replace(said, revocations=b"x" * 32),
        lambda said: replace(said, heads=b"x" * 32),
    ],
)
def test_it_sees_a_checkpoint_that_is_not_what_the_entries_say(
    house: House, lying: LyingLog, change: Callable[[Checkpoint], Checkpoint]
) -> None:
    lying.checkpoints = change
    with pytest.raises(LogForked, match="not what the checkpoint"):
        follower(house, lying).catch_up()


def test_it_sees_entries_that_are_kept_back(house: House, lying: LyingLog) -> None:
    lying.checkpoints = lambda said: replace(said, size=said.size + 1)
    with pytest.raises(LogForked, match="does not give entry"):
        follower(house, lying).catch_up()


def test_it_sees_another_root_at_the_beginning(
    house: House, lying: LyingLog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = House(tmp_path_factory.mktemp("stranger"), keys=house.keys)
    with pytest.raises(SignatureInvalid, match="another root"):
        follower(stranger, lying).catch_up()


def test_without_a_fresh_checkpoint_it_is_stale_and_recovers_by_itself(house: House, lying: LyingLog) -> None:
    now = [1.0]
    followed = Follower(lying, house.root, lease_seconds=5, clock=lambda: now[0], monotonic=lambda: now[0])
    with pytest.raises(Stale):
        followed.fresh()
    followed.catch_up()
    followed.fresh()
    lying.down, now[0] = True, 10.0
    with pytest.raises(Unavailable):
        followed.catch_up()
    with pytest.raises(Stale):
        followed.fresh()
    lying.down, lying.time_ms = False, 10_000
    followed.catch_up()
    followed.fresh()


def test_a_projection_is_given_every_record_once_and_in_order(house: House, lying: LyingLog) -> None:
    followed = follower(house, lying)
    followed.catch_up()
    early, late = Listing(), Listing(start=3)
    followed.subscribe(early)
    followed.subscribe(late)
    lying.say(house.signer.sign(run("r-1")))
    followed.catch_up()
    assert [one.index for one in early.seen] == list(range(len(lying.signed)))
    assert [one.index for one in late.seen] == list(range(3, len(lying.signed)))


def test_a_projection_of_a_longer_log_is_refused(house: House, lying: LyingLog) -> None:
    followed = follower(house, lying)
    followed.catch_up()
    with pytest.raises(LogForked, match="projection"):
        followed.subscribe(Listing(start=1000))


def test_a_projection_that_fails_is_given_the_same_record_again(house: House, lying: LyingLog) -> None:
    class Failing(Listing):
        broken = True

        def apply(self, record: Record) -> None:
            if self.broken:
                raise OSError("the disk is full")
            super().apply(record)

    followed = follower(house, lying)
    projection = Failing()
    followed.subscribe(projection)
    with pytest.raises(OSError, match="full"):
        followed.catch_up()
    projection.broken = False
    followed.catch_up()
    assert len(projection.seen) == len(lying.signed)


def test_following_in_the_background_takes_what_others_append(house: House, log: Log) -> None:
    with house.client(log, "/svc/core/training") as client:
        followed = Follower(client, house.root, lease_seconds=60)
        followed.start()
        try:
            record = client.append(run("r-1"))
            assert followed.catch_up() > record.index
            assert followed.head("run/r-1") == record
            followed.fresh()
        finally:
            followed.close()
