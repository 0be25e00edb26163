"""Deciding for somebody who is away: counted from raw facts, once, by nobody who had a hand in it, and no further."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Fact, FactKind, SignedFact
from assay.custody import Judgement, export, judge_move, verify_bundle
from assay.custody.card import card_digest
from assay.custody.chain import revoked_key, revoked_person
from assay.custody.delegations import Word, away
from assay.custody.errors import ApprovalDoesNotCount, ChainRevoked, GateNotMet
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger import Record
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.receipts import journaled_receipt
from tests.unit.custody.world import World

DAY = 86_400


@pytest.fixture
def absent(candidate: Candidate) -> Candidate:
    """Bea is away; dora, who holds no role that decides, and emil are there."""
    for name in ("dora", "emil"):
        candidate.world.enrol_by(name, "operator", by=("ada", "grace"))
    return candidate


def lent(candidate: Candidate, name: str, standing: Record, /, **changed: object) -> Record:
    """Have somebody approve in the role of whoever is away."""
    said = {"delegation": standing.digest, **changed}
    return candidate.world.approve(candidate.judged(), name, **said)


def counted(judgement: Judgement) -> dict[str, str]:
    return {one.person: one.holder for one in judgement.approvals}


def test_a_delegate_counts_for_whoever_is_away(absent: Candidate) -> None:
    absent.world.approve(absent.judged(), "amir")
    lent(absent, "dora", absent.world.delegate("bea", "dora"))
    after = absent.judged()
    assert after.verdict.passed
    assert counted(after) == {"p-amir": "p-amir", "p-dora": "p-bea"}


def test_whoever_is_away_and_their_delegate_are_one(absent: Candidate) -> None:
    lent(absent, "dora", absent.world.delegate("bea", "dora"))
    absent.world.approve(absent.judged(), "bea")
    after = absent.judged()
    assert counted(after) == {"p-bea": "p-bea"}
    assert not after.verdict.passed
    absent.world.approve(absent.judged(), "amir")
    assert absent.judged().verdict.passed


def test_two_delegates_of_one_person_are_one_and_only_the_newest_may_speak(absent: Candidate) -> None:
    first = absent.world.delegate("bea", "dora")
    lent(absent, "dora", first)
    second = absent.world.delegate("bea", "emil")
    lent(absent, "emil", second)
    after = absent.judged()
    assert counted(after) == {"p-dora": "p-bea", "p-emil": "p-bea"}
    assert not after.verdict.passed
    with pytest.raises(SignatureInvalid, match="no delegation stands"):
        lent(absent, "dora", first, nonce="again")


def test_a_delegate_of_two_people_is_one_person(absent: Candidate) -> None:
    of_amir, of_bea = absent.world.delegate("amir", "dora"), absent.world.delegate("bea", "dora")
    lent(absent, "dora", of_amir)
    lent(absent, "dora", of_bea)
    after = absent.judged()
    assert counted(after) == {"p-dora": "p-bea"}
    assert not after.verdict.passed


@pytest.mark.parametrize("kind", [FactKind.APPROVAL, FactKind.REJECTION, FactKind.WITHDRAWAL])
def test_whoever_came_back_and_spoke_is_not_spoken_for_any_more(absent: Candidate, kind: FactKind) -> None:
    world = absent.world
    standing = world.delegate("bea", "dora")
    lent(absent, "dora", standing)
    verb = {FactKind.REJECTION: "reject", FactKind.WITHDRAWAL: "withdraw"}.get(kind, "approve")
    own = world.statement(absent.judged(), "bea", verb=verb)
    world.decide(world.people["bea"].passkey.assert_(own), absent.judged(), kind)
    after = absent.judged()
    assert "p-dora" not in counted(after)
    assert any("spoken for themselves" in why for why in after.dropped.values())
    with pytest.raises(SignatureInvalid, match="spoken for themselves"):
        lent(absent, "dora", standing, nonce="again")


def test_whose_voice_is_used_uses_no_other(absent: Candidate) -> None:
    of_bea, of_amir = absent.world.delegate("bea", "amir"), absent.world.delegate("amir", "dora")
    lent(absent, "dora", of_amir)
    lent(absent, "amir", of_bea)
    after = absent.judged()
    assert counted(after) == {"p-amir": "p-bea"}
    assert not after.verdict.passed


@pytest.mark.parametrize("contributor", ["dora", "bea"])
def test_neither_a_contributor_nor_their_delegate_counts(world: World, contributor: str) -> None:
    """Dana ran the pipeline; whoever changed the code can neither decide nor have somebody decide."""
    world.enrol_by("dora", "operator", by=("ada", "grace"))
    candidate = registered(world, contributors=("dana", contributor))
    lent(candidate, "dora", world.delegate("bea", "dora"))
    world.approve(candidate.judged(), "amir")
    after = candidate.judged()
    assert counted(after) == {"p-amir": "p-amir"}
    assert any("contributed" in why for why in after.dropped.values())


def test_what_was_handed_on_cannot_be_handed_on_again(absent: Candidate) -> None:
    absent.world.delegate("bea", "dora")
    with pytest.raises(SignatureInvalid, match="no role 'approver'"):
        absent.world.delegate("dora", "emil")


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "p-bea"},
        {"role": "administrator"},
        {"role": "operator"},
        {"until": 0},
        {"not_before": 1},
        {"tenant": "other"},
        {"trust_domain": "other.demo"},
        {"previous": "f" * 64},
        {"person": "p-amir"},
        {"more": 1},
    ],
)
def test_a_delegation_that_says_too_much_or_something_else_is_no_fact(
    absent: Candidate, changed: dict[str, object]
) -> None:
    with pytest.raises((SignatureInvalid, BadRequest)):
        absent.world.delegate("bea", "dora", **changed)


def test_only_whoever_is_away_says_it(absent: Candidate) -> None:
    with pytest.raises((SignatureInvalid, BadRequest)):
        absent.world.delegate("dora", "dora", person="p-bea")


@pytest.mark.parametrize("changed", [{"expiry": None}, {"role": "risk"}, {"delegation": "f" * 64}])
def test_a_word_that_outlasts_its_delegation_or_names_another_is_no_fact(
    absent: Candidate, changed: dict[str, object]
) -> None:
    standing = absent.world.delegate("bea", "dora")
    until = standing.fact.body["until"]
    with pytest.raises(SignatureInvalid):
        lent(absent, "dora", standing, **{"expiry": until + 1, **changed} if "expiry" in changed else changed)
    with pytest.raises(SignatureInvalid):
        lent(absent, "emil", standing)


def test_what_was_said_before_the_end_counts_and_nothing_after_it(absent: Candidate) -> None:
    absent.world.approve(absent.judged(), "amir")
    standing = absent.world.delegate("bea", "dora")
    lent(absent, "dora", standing)
    absent.world.delegate("bea", "dora", ended=True)
    assert absent.judged().verdict.passed
    with pytest.raises(SignatureInvalid, match="no delegation stands"):
        lent(absent, "dora", standing, nonce="again")


@pytest.mark.parametrize(
    "what", ["the delegation", "who is away", "the key", "the role", "the delegate"], ids=str
)
def test_a_revocation_undoes_what_stood_on_it_and_stops_what_runs(absent: Candidate, what: str) -> None:
    world = absent.world
    world.approve(absent.judged(), "amir")
    standing = world.delegate("bea", "dora")
    lent(absent, "dora", standing)
    rollout = world.rollout(absent.judged())
    card = card_digest(absent.files)

    def again() -> Judgement:
        return judge_move(
            world.follower, world.root, world.policy, move=rollout.digest, card=card, now_ns=world.now_ns()
        )

    assert again().verdict.passed
    role = world.follower.head("role/demo/p-bea/approver")
    assert role is not None
    revoked = {
        "the delegation": standing.digest,
        "who is away": revoked_person("p-bea"),
        "the key": revoked_key(standing.signed.keyid),
        "the role": role.digest,
        "the delegate": revoked_person("p-dora"),
    }
    world.revoke(revoked[what])
    assert "p-dora" not in counted(absent.judged()) if what != "the key" else True
    with pytest.raises((GateNotMet, ChainRevoked)):
        again()


def test_a_delegation_in_an_edited_store_is_found_out(absent: Candidate) -> None:
    """The log admits only real ones; this is what a store would hand out whose entry was changed."""
    world = absent.world
    standing = world.delegate("bea", "dora")
    statement = world.statement(absent.judged(), "emil", delegation=standing.digest)

    class Edited:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the follower's own
            return getattr(world.follower, name)

        def record(self, digest: str) -> Record | None:
            found = world.follower.record(digest)
            if found is None or digest != standing.digest:
                return found
            body = {**found.fact.body, "to": "p-emil"}
            fact = Fact(found.kind, found.about, "demo", found.fact.time, body, previous=found.fact.previous)
            return replace(found, signed=SignedFact(fact, found.signed.keyid, found.signed.signature))

    word = Word(statement, "p-emil", "demo", world.now_ns())
    with pytest.raises(ApprovalDoesNotCount, match="signed something else"):
        away(Edited(), world.root, word, ())
    real = Word({**statement, "person": "p-dora"}, "p-dora", "demo", world.now_ns())
    assert away(world.follower, world.root, real, ()) == "p-bea"


@pytest.mark.parametrize(("outlasts", "begins_later"), [(True, False), (False, True)])
def test_a_loader_believes_no_word_that_lies_outside_its_delegation(
    absent: Candidate, *, outlasts: bool, begins_later: bool
) -> None:
    """The log admits none; a loader asks again."""
    world = absent.world
    standing = world.delegate("bea", "dora")
    until, begins = standing.fact.body["until"], standing.fact.body["not_before"]
    said = world.statement(absent.judged(), "dora", delegation=standing.digest, expiry=until + int(outlasts))
    at_ns = (begins - int(begins_later)) * 1_000_000_000
    with pytest.raises(ApprovalDoesNotCount, match="not in force for all of that time"):
        away(world.follower, world.root, Word(said, "p-dora", "demo", at_ns), ())
    inside = Word({**said, "expiry": until}, "p-dora", "demo", begins * 1_000_000_000)
    assert away(world.follower, world.root, inside, ()) == "p-bea"


def test_a_receipt_shows_the_delegation_it_stands_on_and_nothing_of_it_can_be_left_out(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    candidate = registered(world)
    world.enrol_by("dora", "operator", by=("ada", "grace"))
    world.approve(candidate.judged(), "amir")
    standing = world.delegate("bea", "dora")
    lent(candidate, "dora", standing)
    world.delegate("bea", "dora", ended=True)
    rollout = world.rollout(candidate.judged())
    part = journaled_receipt(world, rollout)
    bundle = json.loads(json.dumps(export(part, world.log, world.follower)))
    now = world.log.checkpoint().time_ms / 1000
    found = verify_bundle(bundle, world.root, now=now, policy=world.policy)
    assert {one.person: one.holder for one in found.approvals} == {"p-amir": "p-amir", "p-dora": "p-bea"}
    assert "for p-bea, who is away" in str(found.tree.to_json())
    world.revoke(standing.digest)
    late = json.loads(json.dumps(export(part, world.log, world.follower)))
    with pytest.raises(ChainRevoked):
        verify_bundle(late, world.root, now=world.log.checkpoint().time_ms / 1000)
