"""A role is handed on by whoever is away, to one person, for a while: nothing else makes a second pair of eyes.

Each attack stands beside amir's approval, and the gate wants two. Its words are handed in at the registry, and said
with the registry's own stolen key when the registry refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from assay.contracts import Assertion, Delegation, Fact, FactKind, SignedFact
from assay.custody import approvals, judging
from assay.custody.chain import revoked_person
from assay.errors import ServiceError
from assay.identity.statements import delegation_about, delegation_statement
from assay.ledger import Record, admission
from assay.ledger.known import Known
from services.registry import deciding
from tests.attacks import unguarded
from tests.attacks.test_approvals import end_role
from tests.unit.custody.world import DOMAIN, MODEL, TENANT
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import PROD, Desk

__all__ = ["desk", "registered"]
HOUR = 3600
Attack = Callable[[Desk], object]
Unguard = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def away(registered: Desk) -> Desk:
    """Bea is away; dora and emil hold no role that decides."""
    for name in ("dora", "emil"):
        registered.world.enrol_by(name, "operator", by=("ada", "grace"))
    return registered


def seconds(desk: Desk) -> int:
    return desk.world.now_ns() // 1_000_000_000


def speaks(desk: Desk, name: str, standing: Record | str, number: int = 1, **changed: object) -> Record:
    """Have somebody approve on a delegation: at the registry, or past it."""
    digest = standing if isinstance(standing, str) else standing.digest
    judgement = desk.registry.judged(MODEL, number, PROD)
    said = desk.world.statement(judgement, name, delegation=digest, **changed)
    proof = desk.world.people[name].passkey.assert_(said)
    with suppress(ServiceError):
        return desk.deciding.hand_in(proof, by=desk.person(name))
    return desk.world.decide(proof, judgement)


def hands_on(desk: Desk, proof: Assertion, **changed: object) -> Record:
    """Say a delegation of bea's with identity's own key; `changed` members are not those that were signed."""
    taken = {m: proof.statement[m] for m in ("person", "to", "role", "not_before", "until", "ended")}
    body = {**taken, **changed, "assertion": proof.model_dump(mode="json")}
    return desk.world.say(FactKind.DELEGATION, delegation_about(TENANT, "p-bea", "approver"), body)


def of_bea(desk: Desk, signer: str, to: str = "dora") -> Assertion:
    """Return bea's words, as signed by somebody."""
    now = seconds(desk)
    said = delegation_statement(
        trust_domain=DOMAIN,
        tenant=TENANT,
        person="p-bea",
        to=desk.world.person(to),
        role="approver",
        not_before=now - 600,
        until=now + 48 * HOUR,
        ended=False,
        previous=None,
    )
    return desk.world.people[signer].passkey.assert_(said)


# ---- made of more than was handed on


def handed_on_again(desk: Desk) -> None:
    desk.world.delegate("bea", "dora")
    speaks(desk, "emil", desk.world.delegate("dora", "emil"))


def to_a_contributor(desk: Desk) -> None:
    speaks(desk, "dana", desk.world.delegate("bea", "dana"))


def for_a_contributor(desk: Desk) -> int:
    desk.trained(run="run-2", contributors=("dana", "bea"))
    desk.register(run="run-2")
    desk.say("amir", 2)
    speaks(desk, "dora", desk.world.delegate("bea", "dora"), 2)
    return 2


def in_another_role(desk: Desk) -> None:
    desk.world.grant_role("bea", "risk", by=("ada", "grace"))
    speaks(desk, "dora", desk.world.delegate("bea", "dora", role="risk"))


def by_another_person(desk: Desk) -> None:
    speaks(desk, "emil", desk.world.delegate("bea", "dora"))


def two_for_one(desk: Desk) -> None:
    """Both speak for bea, and amir takes his own word back."""
    desk.say("amir", verb="withdraw")
    speaks(desk, "dora", desk.world.delegate("bea", "dora"))
    speaks(desk, "emil", desk.world.delegate("bea", "emil"))


def one_for_themselves(desk: Desk) -> None:
    """Amir approves, and speaks for bea too."""
    speaks(desk, "amir", desk.world.delegate("bea", "amir"))


# ---- in time


def after_its_end(desk: Desk) -> None:
    now = seconds(desk)
    standing = desk.world.delegate("bea", "dora", until=now + HOUR)
    pass_time(desk, 2 * HOUR)
    speaks(desk, "dora", standing)


def counted_after_its_end(desk: Desk) -> None:
    until = seconds(desk) + HOUR
    speaks(desk, "dora", desk.world.delegate("bea", "dora", until=until), expiry=until)
    pass_time(desk, 2 * HOUR)


def longer_than_it_lasts(desk: Desk) -> None:
    speaks(desk, "dora", desk.world.delegate("bea", "dora", until=seconds(desk) + HOUR))


def before_it_begins(desk: Desk) -> None:
    now = seconds(desk)
    speaks(desk, "dora", desk.world.delegate("bea", "dora", not_before=now + HOUR, until=now + 48 * HOUR))


def pass_time(desk: Desk, more: int) -> None:
    now = desk.world.start
    desk.world.start = now.fromtimestamp(now.timestamp() + more, now.tzinfo)


def ended(desk: Desk) -> None:
    standing = desk.world.delegate("bea", "dora")
    desk.world.delegate("bea", "dora", ended=True)
    speaks(desk, "dora", standing)


def given_to_another_since(desk: Desk) -> None:
    standing = desk.world.delegate("bea", "dora")
    desk.world.delegate("bea", "emil")
    speaks(desk, "dora", standing)


def revoked(desk: Desk) -> None:
    standing = desk.world.delegate("bea", "dora")
    desk.world.revoke(standing.digest)
    speaks(desk, "dora", standing)


def of_a_revoked_person(desk: Desk) -> None:
    standing = desk.world.delegate("bea", "dora")
    desk.world.revoke(revoked_person("p-bea"))
    speaks(desk, "dora", standing)


def role_lost_since(desk: Desk) -> None:
    standing = desk.world.delegate("bea", "dora")
    end_role(desk, "bea", "approver")
    speaks(desk, "dora", standing)


# ---- said by somebody else, or said again


def by_the_delegate(desk: Desk) -> None:
    speaks(desk, "dora", hands_on(desk, of_bea(desk, "dora")))


def under_her_name(desk: Desk) -> None:
    mine = of_bea(desk, "dora").model_copy(update={"person": "p-bea"})
    speaks(desk, "dora", hands_on(desk, mine))


def other_than_signed(desk: Desk) -> None:
    speaks(desk, "dora", hands_on(desk, of_bea(desk, "bea", to="emil"), to="p-dora"))


def longer_than_signed(desk: Desk) -> None:
    proof = of_bea(desk, "bea")
    speaks(desk, "dora", hands_on(desk, proof, until=proof.statement["until"] + HOUR))


def replayed(desk: Desk) -> None:
    """The first delegation is put in again behind its end, with the same words."""
    proof = of_bea(desk, "bea")
    hands_on(desk, proof)
    desk.world.delegate("bea", "dora", ended=True)
    speaks(desk, "dora", hands_on(desk, proof))


def word_replayed(desk: Desk) -> None:
    """What dora said for bea and took back is put in again."""
    standing = desk.world.delegate("bea", "dora")
    said = speaks(desk, "dora", standing)
    withdrawn = desk.say("dora", verb="withdraw")
    again = replace(said.fact, previous=withdrawn.digest, time=desk.world.time(), _payload=None)
    desk.world.log.append(again)
    desk.world.follower.catch_up()


def edited_in_the_store(desk: Desk) -> None:
    """Every store, the ledger's own too, says that bea let dora decide; she let emil."""
    world, standing = desk.world, desk.world.delegate("bea", "emil")
    stored, known = world.follower.record, world.log._known.delegation

    def record(digest: str) -> Record | None:
        return _for_dora(stored(digest)) if digest == standing.digest else stored(digest)

    def delegation(digest: str, tenant: str) -> Delegation | None:
        found = known(digest, tenant)
        return found.model_copy(update={"to": "p-dora"}) if found else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.follower, "record", record)
        patch.setattr(world.log._known, "delegation", delegation)
        with suppress(ServiceError):
            speaks(desk, "dora", standing)
        desk.promote()


def _for_dora(found: Record | None) -> Record:
    assert found is not None
    was = found.fact
    fact = Fact(was.kind, was.about, TENANT, was.time, {**was.body, "to": "p-dora"}, previous=was.previous)
    return replace(found, signed=SignedFact(fact, found.signed.keyid, found.signed.signature))


# ---- checks taken out


def nobody_asks(patch: pytest.MonkeyPatch) -> None:
    """Have nobody ask what was handed on: not the ledger, not the registry, not the loader."""
    patch.setattr(admission, "_check_delegation", lambda *_: None)
    patch.setattr(admission, "_check_role", lambda *_: None)
    patch.setattr(Known, "is_spent", lambda *_: False)
    for module in (approvals, deciding):
        patch.setattr(module, "away", _as_it_says)


def _as_it_says(facts: Any, _root: object, word: Any, _contributors: object) -> str:  # noqa: ANN401 - as `away`
    return str(facts.record(word.statement["delegation"]).fact.body["person"])


def anybody_contributes(patch: pytest.MonkeyPatch) -> None:
    nobody_asks(patch)
    unguarded.no_contributors(patch)


def persons_are_counted(patch: pytest.MonkeyPatch) -> None:
    """Have the gate count who speaks, and not whose role it is."""
    counted = judging._counted
    patch.setattr(judging, "_counted", lambda one: {k: v for k, v in counted(one).items() if k != "holder"})


@dataclass(frozen=True)
class Way:
    """An attack, and what must be taken out for it to succeed; None: see `UNCONTROLLED`."""

    attack: Attack
    unguard: Unguard | None = nobody_asks


WAYS: dict[str, Way] = {
    "handed on again": Way(handed_on_again),
    "to a contributor": Way(to_a_contributor, anybody_contributes),
    "for a contributor": Way(for_a_contributor, anybody_contributes),
    "in another role": Way(in_another_role),
    "by another person": Way(by_another_person),
    "two for one": Way(two_for_one, persons_are_counted),
    "one person for themselves and another": Way(one_for_themselves, None),
    "after its end": Way(after_its_end),
    "counted after its end": Way(counted_after_its_end, None),
    "longer than it lasts": Way(longer_than_it_lasts),
    "before it begins": Way(before_it_begins),
    "ended": Way(ended),
    "given to another since": Way(given_to_another_since),
    "revoked": Way(revoked),
    "of a revoked person": Way(of_a_revoked_person),
    "of somebody whose role ended": Way(role_lost_since),
    "signed by the delegate": Way(by_the_delegate),
    "signed by the delegate under her name": Way(under_her_name),
    "to another than was signed": Way(other_than_signed),
    "for longer than was signed": Way(longer_than_signed),
    "replayed behind its end": Way(replayed),
    "a word replayed": Way(word_replayed, unguarded.replays),
    "edited in every store": Way(edited_in_the_store),
}
UNCONTROLLED = {
    "one person for themselves and another": "a person has one word in one place; the later one takes the earlier's",
    "counted after its end": "a word ends by its own expiry, which is tried in `test_approvals`",
}


def gets_in(desk: Desk, attack: Attack) -> bool:
    """Add an attack to amir's approval; say whether the model is in prod."""
    desk.say("amir")
    number: object = 1
    with suppress(ServiceError):
        number = attack(desk) or 1
    assert isinstance(number, int)
    with suppress(ServiceError):
        desk.promote(number)
    return desk.world.log.head(f"alias/prod/{MODEL}@champion") is not None


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("name", WAYS)
def test_a_role_is_used_as_whoever_is_away_handed_it_on_or_not_at_all(away: Desk, name: str) -> None:
    assert not gets_in(away, WAYS[name].attack)


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.unguard])
def test_control_where_nobody_asks_what_was_handed_on_it_counts(
    away: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguard = WAYS[name].unguard
    assert unguard is not None
    unguard(monkeypatch)
    assert gets_in(away, WAYS[name].attack)


@pytest.mark.control("T-REG-12")
def test_control_one_whom_bea_let_decide_counts(away: Desk) -> None:
    assert gets_in(away, lambda at: speaks(at, "dora", at.world.delegate("bea", "dora")) and None)


def test_every_way_has_a_control_or_a_reason() -> None:
    assert {name for name, way in WAYS.items() if way.unguard is None} == set(UNCONTROLLED)
