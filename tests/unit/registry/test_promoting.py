from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from assay.contracts import Alias, Environment, body_of, sha256_hex
from assay.custody import judge_move
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.errors import BadRequest, Forbidden, HeadMoved
from assay.identity.administrators import administrators
from assay.ledger import Record
from services.registry.errors import (
    AliasMoved,
    BadAlias,
    NothingRevoked,
    NotYours,
    NoWayBack,
    ProjectionTampered,
    UnknownAlias,
    UnknownFact,
    UnknownModel,
    UnknownVersion,
)
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD, Desk

HANG_SECONDS = 30.0


@pytest.fixture
def promoted(registered: Desk) -> Desk:
    """Version 1 is champion in prod; version 2 is registered and approved."""
    registered.approved()
    registered.promote()
    registered.trained(run="run-2")
    registered.register(run="run-2")
    registered.approved(2)
    return registered


def test_the_champion_moves_through_the_gate_only(registered: Desk) -> None:
    with pytest.raises(GateNotMet, match="2 more of 2 approvals"):
        registered.promote()
    registered.approved()
    moved = registered.promote()
    assert registered.registry.believed.alias(PROD, MODEL, "champion").digest == moved.digest


def test_a_move_names_what_it_rests_on(promoted: Desk) -> None:
    body = body_of(promoted.promote(2).fact, Alias)
    judged = promoted.registry.judged(MODEL, 2, PROD)
    assert body.number == 2
    assert set(body.approvals) == {approval.record.digest for approval in judged.approvals}
    assert body.evidence == judged.evidence


def test_anybody_can_judge_the_move_again(promoted: Desk) -> None:
    world, moved = promoted.world, promoted.promote(2)
    package = promoted.registry.judged(MODEL, 2, PROD).chain.body.package
    card = promoted.registry.packages.card(package)
    judged = judge_move(
        world.follower, world.root, world.policy, move=moved.digest, card=card, now_ns=world.now_ns()
    )
    assert judged.verdict.passed


def test_a_stale_move_is_refused(promoted: Desk) -> None:
    seen = promoted.registry.believed.alias(PROD, MODEL, "champion").digest
    promoted.promote(2, previous=seen)
    with pytest.raises(AliasMoved):
        promoted.promote(1, previous=seen)


def test_a_move_that_loses_a_race_is_refused(promoted: Desk) -> None:
    """Two replicas decide at once: the ledger lets one through, the other hears it."""
    second = promoted.raced_by(lambda: promoted.promote(2))
    with pytest.raises(HeadMoved):
        second.promote(MODEL, "champion", number=1, environment=PROD, by=promoted.person("ada"))


def test_every_environment_has_its_own_gate(registered: Desk) -> None:
    moved = registered.registry.promote(
        MODEL, "champion", number=1, environment=Environment.DEV, by=registered.person("dana")
    )
    assert moved.fact.environment is Environment.DEV
    with pytest.raises(UnknownAlias):
        registered.registry.believed.alias(PROD, MODEL, "champion")


@pytest.mark.parametrize("alias", ["latest", "v1", "12", "dev-champion", "prod-x"])
def test_an_alias_that_means_something_else_is_refused(registered: Desk, alias: str) -> None:
    with pytest.raises(BadAlias):
        registered.promote(alias=alias)


@pytest.mark.parametrize("alias", ["Champion", "a/b", "", "a@b"])
def test_an_alias_that_is_no_name_is_refused(registered: Desk, alias: str) -> None:
    with pytest.raises(BadRequest):
        registered.promote(alias=alias)


@pytest.mark.parametrize("name", ["amir", "bea"])
def test_who_may_not_promote_is_refused(registered: Desk, name: str) -> None:
    registered.approved()
    with pytest.raises(Forbidden):
        registered.registry.promote(MODEL, "champion", number=1, environment=PROD, by=registered.person(name))


def test_a_service_may_not_promote(registered: Desk) -> None:
    registered.approved()
    for name in ("ingestion", "training", "serving"):
        with pytest.raises(Forbidden):
            registered.registry.promote(
                MODEL, "champion", number=1, environment=PROD, by=registered.service(name)
            )


def test_a_revoked_version_is_not_promoted(promoted: Desk) -> None:
    version = promoted.registry.believed.version(MODEL, 2)
    promoted.registry.revoke(version.digest, what="version 2", reason="wrong", by=promoted.person("ada"))
    with pytest.raises(ChainRevoked):
        promoted.promote(2)


# ---- revocations


def test_a_revocation_is_said_once(registered: Desk) -> None:
    record = registered.say("amir")
    first = registered.registry.revoke(
        record.digest, what="approval", reason="x", by=registered.person("bea")
    )
    again = registered.registry.revoke(
        record.digest, what="approval", reason="y", by=registered.person("bea")
    )
    assert first.digest == again.digest
    assert registered.world.follower.revoked(record.digest)


def test_keys_persons_and_identities_are_revoked_by_name(registered: Desk) -> None:
    what = "person/p-amir"
    registered.registry.revoke(
        sha256_hex(what.encode()), what=what, reason="lost passkey", by=registered.person("ada")
    )
    assert registered.world.follower.roles("p-amir", "demo") == frozenset()


@pytest.mark.parametrize("what", ["nothing", "person/p-bea", "person/"])
def test_what_is_not_there_is_not_revoked(registered: Desk, what: str) -> None:
    with pytest.raises(UnknownFact):
        registered.registry.revoke("f" * 64, what=what, reason="x", by=registered.person("ada"))


def test_a_revocation_ends_and_may_be_said_again(registered: Desk) -> None:
    registry, ada = registered.registry, registered.person("ada")
    what = "identity/svc/core/features"
    digest = sha256_hex(what.encode())
    registry.revoke(digest, what=what, reason="stolen", by=ada)
    ended = registry.reinstate(digest, what=what, reason="found", by=ada)
    assert (ended.fact.body["ended"], registered.world.follower.revoked(digest)) == (True, None)
    with pytest.raises(NothingRevoked):
        registry.reinstate(digest, what=what, reason="again", by=ada)
    registry.revoke(digest, what=what, reason="stolen again", by=ada)
    assert registered.world.follower.revoked(digest)


def test_only_an_administrator_ends_a_revocation(registered: Desk) -> None:
    what = "person/p-amir"
    digest = sha256_hex(what.encode())
    registered.registry.revoke(digest, what=what, reason="lost", by=registered.person("bea"))
    for who in ("bea", "dana"):
        with pytest.raises(Forbidden):
            registered.registry.reinstate(digest, what=what, reason="x", by=registered.person(who))
    with pytest.raises(NotYours):
        registered.registry.reinstate(digest, what=what, reason="x", by=registered.service("ingestion"))
    assert registered.world.follower.revoked(digest)


@pytest.mark.parametrize("what", ["identity/svc/core/ledger", "identity/svc/core/registry"])
def test_what_carries_revocations_is_revoked_only_when_somebody_insists(registered: Desk, what: str) -> None:
    digest, ada = sha256_hex(what.encode()), registered.person("ada")
    with pytest.raises(NoWayBack):
        registered.registry.revoke(digest, what=what, reason="stolen", by=ada)
    registered.registry.revoke(digest, what=what, reason="stolen", by=ada, no_way_back=True)
    assert registered.world.follower.revoked(digest)


def test_the_last_two_administrators_are_revoked_only_when_somebody_insists(registered: Desk) -> None:
    world, registry, bea = registered.world, registered.registry, registered.person("bea")
    held = administrators(world.follower, world.root, TENANT)
    assert len(held) == 2
    last = min(held)
    what = f"person/{last}"
    digest = sha256_hex(what.encode())
    with pytest.raises(NoWayBack, match="1 administrators would be left"):
        registry.revoke(digest, what=what, reason="stolen", by=bea)
    registry.revoke(digest, what=what, reason="stolen", by=bea, no_way_back=True)
    assert world.follower.revoked(digest)


def test_who_may_not_revoke_is_refused(registered: Desk) -> None:
    digest = registered.register().digest
    with pytest.raises(Forbidden):
        registered.registry.revoke(digest, what="version", reason="x", by=registered.person("dana"))
    with pytest.raises(NotYours):
        registered.registry.revoke(digest, what="version", reason="x", by=registered.service("ingestion"))


# ---- the tables are believed only with their facts


class Late:
    """A table ahead of the registry's own that takes its time over each entry, as a busy disk does."""

    def __init__(self, begins: int) -> None:
        self.next = begins
        self.begun, self.go_on = threading.Event(), threading.Event()

    def applied(self) -> int:
        """See `Projection`."""
        return self.next

    def apply(self, record: Record) -> None:
        """See `Projection`."""
        self.begun.set()
        assert self.go_on.wait(HANG_SECONDS)
        self.next = record.index + 1


def test_a_table_that_is_an_entry_behind_is_waited_for_and_not_called_edited(
    promoted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, waits = promoted.world.follower, threading.Event()
    settled = follower.settled

    def settling() -> AbstractContextManager[None]:
        waits.set()
        return settled()

    monkeypatch.setattr(follower, "settled", settling)
    late = Late(follower.size)
    follower._projections.insert(0, late)
    before = promoted.registry.believed.alias(PROD, MODEL, "champion").digest
    with ThreadPoolExecutor(2) as threads:
        moved = threads.submit(promoted.promote, 2)
        assert late.begun.wait(HANG_SECONDS)
        asked = threads.submit(promoted.registry.believed.alias, PROD, MODEL, "champion")
        waited = waits.wait(HANG_SECONDS)
        late.go_on.set()
        assert waited
        assert asked.result(HANG_SECONDS).digest == moved.result(HANG_SECONDS).digest != before


def test_an_edited_alias_row_is_refused(promoted: Desk) -> None:
    promoted.execute("UPDATE alias SET number = 2")
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.alias(PROD, MODEL, "champion")
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.aliases(MODEL)


def test_a_removed_or_invented_alias_row_is_refused(promoted: Desk) -> None:
    promoted.execute("UPDATE alias SET alias = 'other'")
    for alias in ("champion", "other"):
        with pytest.raises(ProjectionTampered):
            promoted.registry.believed.alias(PROD, MODEL, alias)


def test_an_alias_row_put_back_to_an_older_fact_is_refused(promoted: Desk) -> None:
    old = promoted.registry.believed.alias(PROD, MODEL, "champion").digest
    promoted.promote(2)
    promoted.execute(f"UPDATE alias SET number = 1, fact = '{old}'")  # noqa: S608 - the tamperer's own
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.alias(PROD, MODEL, "champion")


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE version SET package = lower(hex(zeroblob(32))) WHERE number = 1",
        "UPDATE version SET tier = 'low' WHERE number = 1",
        "UPDATE version SET fact = (SELECT fact FROM version WHERE number = 2) WHERE number = 1",
        "DELETE FROM version WHERE number = 1",
    ],
)
def test_an_edited_version_row_is_refused(promoted: Desk, edit: str) -> None:
    promoted.execute(edit)
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.version(MODEL, 1)
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.versions(MODEL)
    with pytest.raises(ProjectionTampered):
        promoted.registry.judged(MODEL, 1, PROD)


def test_an_invented_version_row_is_refused(promoted: Desk) -> None:
    promoted.execute("INSERT INTO version SELECT model, 3, fact, package, signature, run, checkpoint, tier, time"
                     " FROM version WHERE number = 1")  # fmt: skip
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.version(MODEL, 3)


def test_an_invented_model_is_refused(promoted: Desk) -> None:
    promoted.execute("UPDATE version SET model = 'invented' WHERE number = 2")
    with pytest.raises(ProjectionTampered):
        promoted.registry.believed.models()


def test_approval_rows_edited_or_added_open_no_gate(registered: Desk) -> None:
    registered.say("amir")
    registered.execute("INSERT INTO word SELECT environment, model, number, 'p-bea', kind, fact FROM word")
    assert not registered.registry.judged(MODEL, 1, PROD).verdict.passed
    with pytest.raises(GateNotMet):
        registered.promote()
    with pytest.raises(ProjectionTampered):
        registered.registry.believed.words(MODEL, 1)


def test_approval_rows_removed_close_no_gate(registered: Desk) -> None:
    registered.approved()
    registered.execute("DELETE FROM word")
    assert registered.registry.judged(MODEL, 1, PROD).verdict.passed


def test_a_deleted_database_is_rebuilt_with_the_same_answers(promoted: Desk) -> None:
    before = (
        promoted.registry.believed.models(),
        [r.digest for r in promoted.registry.believed.versions(MODEL)],
        promoted.registry.believed.aliases(MODEL),
        [r.digest for r in promoted.registry.believed.words(MODEL, 1)],
    )
    promoted.database.dispose()
    for path in promoted.folder.glob("registry.db*"):
        path.unlink()
    promoted.open()
    after = (
        promoted.registry.believed.models(),
        [r.digest for r in promoted.registry.believed.versions(MODEL)],
        promoted.registry.believed.aliases(MODEL),
        [r.digest for r in promoted.registry.believed.words(MODEL, 1)],
    )
    assert after == before


def test_what_does_not_exist_is_said_to_not_exist(registered: Desk) -> None:
    with pytest.raises(UnknownModel):
        registered.registry.believed.versions("other")
    with pytest.raises(UnknownVersion):
        registered.registry.believed.version(MODEL, 2)
    with pytest.raises(UnknownVersion):
        registered.registry.believed.version("other", 1)
    with pytest.raises(UnknownAlias):
        registered.registry.believed.alias(PROD, MODEL, "champion")
