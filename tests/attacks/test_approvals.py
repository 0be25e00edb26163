"""Two people who had no hand in it said yes to exactly this, here, in time: nothing less opens the gate.

Each attack stands beside one approval that counts; the gate of the example wants two.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

import pytest

from assay import custody
from assay.contracts import Fact, FactKind
from assay.custody import approvals
from assay.custody.chain import Chain, revoked_key, revoked_person
from assay.errors import ServiceError
from assay.identity.enrol import role_fact
from assay.ledger import admission
from assay.ledger.known import Known
from services.registry import deciding, registering
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import PROD, Desk

__all__ = ["desk", "registered"]
HOUR = 3600


def seconds(desk: Desk) -> int:
    return desk.world.now_ns() // 1_000_000_000


def replayed_after_withdrawal(desk: Desk) -> None:
    old = desk.signed("amir")
    desk.deciding.hand_in(old, by=desk.person("amir"))
    desk.say("amir", verb="withdraw")
    desk.deciding.hand_in(old, by=desk.person("amir"))


def replayed_behind_the_registrys_back(desk: Desk) -> None:
    record = desk.say("amir")
    withdrawn = desk.say("amir", verb="withdraw")
    desk.world.log.append(
        replace(record.fact, previous=withdrawn.digest, time=desk.world.time(), _payload=None)
    )


def another_version(desk: Desk) -> None:
    desk.trained(run="run-2")
    desk.register(run="run-2")
    said = desk.signed("amir", 2)
    moved = said.model_copy(update={"statement": {**said.statement, "number": 1}})
    desk.deciding.hand_in(moved, by=desk.person("amir"))


def another_environment(desk: Desk) -> None:
    desk.deciding.hand_in(desk.signed("amir", changed={"environment": "dev"}), by=desk.person("amir"))


def said_by_one_for_two(desk: Desk) -> None:
    said = desk.signed("bea").model_copy(update={"person": desk.world.person("amir")})
    desk.deciding.hand_in(said, by=desk.person("amir"))


def signature_of_another(desk: Desk) -> None:
    mine, other = desk.signed("amir"), desk.signed("bea", changed={"person": desk.world.person("amir")})
    desk.deciding.hand_in(mine.model_copy(update={"signature": other.signature}), by=desk.person("amir"))


def twice_by_one(desk: Desk) -> None:
    desk.say("bea", verb="withdraw")
    desk.say("bea")
    desk.deciding.hand_in(desk.signed("bea", changed={"nonce": "again"}), by=desk.person("bea"))


def changed(**members: object) -> Callable[[Desk], None]:
    def attack(desk: Desk) -> None:
        desk.deciding.hand_in(desk.signed("amir", changed=members), by=desk.person("amir"))

    return attack


def timed(begins: int, ends: int) -> Callable[[Desk], None]:
    def attack(desk: Desk) -> None:
        now = seconds(desk)
        changed(not_before=now + begins, expiry=now + ends)(desk)

    return attack


def run_out(desk: Desk) -> None:
    now = seconds(desk)
    changed(not_before=now - HOUR, expiry=now + HOUR)(desk)
    desk.world.start = desk.world.start.fromtimestamp(now + 2 * HOUR, desk.world.start.tzinfo)
    changed_by_bea = desk.signed(
        "bea", changed={"not_before": now, "expiry": now + 9 * HOUR, "nonce": "fresh"}
    )
    desk.deciding.hand_in(changed_by_bea, by=desk.person("bea"))


def withdrawn(desk: Desk) -> None:
    desk.say("amir")
    desk.say("amir", verb="withdraw")


def rejected_since(desk: Desk) -> None:
    desk.say("amir")
    desk.say("amir", verb="reject")


def role_ended(desk: Desk) -> None:
    desk.say("amir")
    end_role(desk, "amir", "approver")


def end_role(desk: Desk, name: str, role: str) -> None:
    world = desk.world
    person = world.person(name)
    head, *_ = [one for one in reversed(world.log.entries(0)) if _is_role(one.fact, person, role)]
    bare = role_fact(
        person=person, role=role, ended=True, tenant=TENANT, time=world.time(), previous=head.digest
    )
    world._say_of_people(bare, ("ada", "grace"))


def _is_role(fact: Fact, person: str, role: str) -> bool:
    return fact.kind is FactKind.ROLE and (fact.body["person"], fact.body["role"]) == (person, role)


def person_revoked(desk: Desk) -> None:
    desk.say("amir")
    desk.world.revoke(revoked_person(desk.world.person("amir")))


def approval_revoked(desk: Desk) -> None:
    desk.world.revoke(desk.say("amir").digest)


def credential_revoked(desk: Desk) -> None:
    desk.say("amir")
    person = desk.world.person("amir")
    (bound,) = [one for one in desk.world.log.entries(0) if one.about.startswith(f"credential/{person}")]
    desk.world.revoke(bound.digest)


def key_revoked(desk: Desk) -> None:
    record = desk.say("amir")
    desk.world.revoke(revoked_key(record.signed.keyid))


def evaluation_revoked(desk: Desk) -> None:
    desk.say("amir")
    (evaluation,) = desk.world.follower.records(FactKind.EVALUATION)
    desk.world.revoke(evaluation.digest)


def handed_in_by_another(desk: Desk) -> None:
    desk.deciding.hand_in(desk.signed("amir"), by=desk.person("dana"))


def handed_in_by_a_service(desk: Desk) -> None:
    desk.deciding.hand_in(desk.signed("amir"), by=desk.service("serving"))


ATTACKS: dict[str, Callable[[Desk], None]] = {
    "replayed after its withdrawal": replayed_after_withdrawal,
    "replayed with the registry's own key": replayed_behind_the_registrys_back,
    "moved from another version": another_version,
    "for another environment": another_environment,
    "one person's for another": said_by_one_for_two,
    "with another's signature": signature_of_another,
    "twice by one person": twice_by_one,
    "for another package": changed(package="f" * 64),
    "without evidence": changed(evidence=[]),
    "for other evidence": changed(evidence=["f" * 64]),
    "for another tier": changed(tier="low"),
    "for another tenant": changed(tenant="other"),
    "for another trust domain": changed(trust_domain="other.demo"),
    "for another model": changed(model="fraud"),
    "for a number that is a truth value": changed(number=True),
    "under a role not held": changed(role="administrator"),
    "with a condition nobody judges": changed(conditions={"share": 0.1}),
    "with a member more": changed(more=1),
    "over another log": changed(log_root="0" * 64),
    "over a longer log": changed(log_size=10_000),
    "expired": timed(-2 * HOUR, -HOUR),
    "expired this second": timed(-HOUR, 0),
    "not in force yet": timed(HOUR, 2 * HOUR),
    "run out since": run_out,
    "withdrawn": withdrawn,
    "followed by a rejection": rejected_since,
    "by somebody whose role ended": role_ended,
    "by a revoked person": person_revoked,
    "revoked itself": approval_revoked,
    "by a revoked passkey": credential_revoked,
    "signed by a revoked key": key_revoked,
    "on evidence that was revoked": evaluation_revoked,
    "handed in by another person": handed_in_by_another,
    "handed in by a service": handed_in_by_a_service,
}


def gets_through(desk: Desk, attack: Callable[[Desk], object]) -> bool:
    """Add an attack to one good approval; say whether the model gets into prod."""
    desk.say("bea")
    with suppress(ServiceError):
        attack(desk)
    try:
        desk.promote()
    except ServiceError:
        assert desk.world.log.head(f"alias/prod/{MODEL}@champion") is None
        return False
    return True


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_approval_that_is_not_exactly_right_opens_no_gate(
    registered: Desk, attack: Callable[[Desk], None]
) -> None:
    assert not gets_through(registered, attack)


CONTRIBUTED: dict[str, Callable[[Desk], object]] = {
    "the run": lambda desk: desk.trained(contributors=("dana", "amir")),
    "the run, alone": lambda desk: desk.trained(contributors=("amir",)),
    "the registration": lambda desk: desk.trained(),
}


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("part", CONTRIBUTED)
def test_whoever_had_a_hand_in_it_is_no_second_pair_of_eyes(desk: Desk, part: str) -> None:
    CONTRIBUTED[part](desk)
    if part == "the registration":
        desk.world.grant_role("dana", "approver", by=("ada", "grace"))
        desk.register(by="dana")
        assert not gets_through(desk, lambda at: at.say("dana"))
    else:
        desk.register()
        assert not gets_through(desk, lambda at: at.say("amir"))


@pytest.mark.control("T-REG-12")
def test_control_two_right_approvals_open_it(registered: Desk) -> None:
    assert gets_through(registered, lambda at: at.say("amir"))


@pytest.mark.control("T-REG-12")
def test_control_where_nobody_counts_as_contributor_they_approve_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.trained(contributors=("dana", "amir"))
    desk.register()
    monkeypatch.setattr(Chain, "contributors", frozenset({"p-nobody"}))
    assert gets_through(desk, lambda at: at.say("amir"))


@pytest.mark.control("T-REG-12")
def test_control_where_nobody_remembers_what_was_said_a_replay_counts(
    registered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approvals, deciding):
        monkeypatch.setattr(module, "said_before", lambda *_: False)
    monkeypatch.setattr(Known, "is_spent", lambda *_: False)
    assert gets_through(registered, replayed_behind_the_registrys_back)


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("name", ["for another package", "without evidence", "for another tier"])
def test_control_where_statements_are_not_compared_any_would_do(
    registered: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approvals, deciding):
        monkeypatch.setattr(module, "check_statement", lambda *_: None)
    assert gets_through(registered, ATTACKS[name])


@pytest.mark.control("T-REG-12")
def test_control_where_signatures_are_not_verified_one_speaks_for_another(
    registered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approvals, deciding):
        monkeypatch.setattr(module, "check_assertion", lambda *_: None)
    monkeypatch.setattr(admission, "_verify", lambda *_: None)
    assert gets_through(registered, signature_of_another)


# ---- a name that was somebody's


@pytest.mark.threat("T-REG-10")
@pytest.mark.parametrize(
    "name", ["credit-premium", "Credit-default", "credit-default ", "credit\u2010default"]
)
def test_signed_bytes_get_no_second_name(desk: Desk, name: str) -> None:
    desk.trained()
    with pytest.raises(ServiceError):
        desk.register(model=name)
    assert desk.world.follower.records(FactKind.VERSION) == []


@pytest.mark.threat("T-REG-10")
def test_a_number_is_a_place_in_the_chain_and_is_never_given_again(registered: Desk) -> None:
    (first,) = registered.world.follower.records(FactKind.VERSION)
    registered.world.revoke(first.digest)
    registered.trained(run="run-2")
    assert registered.register(run="run-2").fact.body["number"] == 2
    again = registered.world.say(first.kind, first.about, dict(first.fact.body), subjects=first.fact.subjects)
    with pytest.raises(ServiceError):
        custody.judge(
            registered.world.follower,
            registered.world.root,
            registered.world.policy,
            version=again.digest,
            environment=PROD,
            card="0" * 64,
            now_ns=registered.world.now_ns(),
        )


@pytest.mark.control("T-REG-10")
def test_control_where_a_run_is_not_asked_what_it_made_bytes_get_any_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.trained()
    monkeypatch.setattr(registering, "_package_of", lambda said, _model, name: said.packages[name])
    monkeypatch.setattr(import_module("assay.custody.chain"), "_fits_run", lambda *_: None)
    assert desk.register(model="credit-premium").about == "model/demo/credit-premium"
