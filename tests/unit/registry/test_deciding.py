from __future__ import annotations

from dataclasses import replace

import pytest

from assay.contracts import Assertion, Conditions, FactKind
from assay.custody.errors import ApprovalDoesNotCount, GateNotMet, SelfApproval, WrongSubject
from assay.errors import BadRequest, ConditionRefused, Forbidden, ServiceError
from services.registry.errors import NothingToWithdraw, NotYours, UnknownVersion
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD, Desk


def test_the_gate_says_what_is_missing_and_how_to_get_it(registered: Desk) -> None:
    verdict = registered.registry.judged(MODEL, 1, PROD).verdict
    assert not verdict.passed
    assert any("approvals by role approver" in entry["what"] for entry in verdict.missing)
    assert all(entry["how"] for entry in verdict.missing)


def test_without_an_evaluation_the_gate_says_so(desk: Desk) -> None:
    desk.trained(evaluated=False)
    desk.register()
    missing = desk.registry.judged(MODEL, 1, PROD).verdict.missing
    assert any("evaluation" in entry["what"] for entry in missing)


def test_two_approvers_open_the_gate(registered: Desk) -> None:
    registered.say("amir")
    assert not registered.registry.judged(MODEL, 1, PROD).verdict.passed
    registered.say("bea")
    assert registered.registry.judged(MODEL, 1, PROD).verdict.passed


def test_handing_in_twice_is_one_fact(registered: Desk) -> None:
    assertion = registered.signed("amir")
    first = registered.deciding.hand_in(assertion, by=registered.person("amir"))
    assert registered.deciding.hand_in(assertion, by=registered.person("amir")).digest == first.digest


def test_a_contributor_is_not_even_shown_a_statement(desk: Desk) -> None:
    desk.trained(contributors=("dana", "amir"))
    desk.register()
    with pytest.raises(SelfApproval):
        desk.signed("amir")


def test_a_contributor_who_signs_anyway_is_refused(desk: Desk) -> None:
    """The pipeline ran as dana; amir changed the code."""
    desk.trained(contributors=("dana", "amir"))
    desk.register()
    said = dict(desk.signed("bea").statement) | {"person": "p-amir"}
    with pytest.raises(SelfApproval):
        desk.deciding.hand_in(desk.world.people["amir"].passkey.assert_(said), by=desk.person("amir"))


def test_a_contributor_may_reject(desk: Desk) -> None:
    desk.trained(contributors=("dana", "amir"))
    desk.register()
    assert desk.say("amir", verb="reject").kind is FactKind.REJECTION


@pytest.mark.parametrize(
    ("member", "value"),
    [("number", 2), ("package", "f" * 64), ("evidence", ["f" * 64]), ("tier", "low"),
     ("tenant", "other"), ("trust_domain", "other.demo"), ("evidence", []), ("more", 1)],
)  # fmt: skip
def test_an_approval_of_anything_else_is_refused(registered: Desk, member: str, value: object) -> None:
    with pytest.raises((WrongSubject, UnknownVersion)):
        registered.deciding.hand_in(
            registered.signed("amir", changed={member: value}), by=registered.person("amir")
        )
    assert registered.world.log.head("approval/credit-default/1/prod/p-amir") is None


def test_an_expired_statement_is_refused(registered: Desk) -> None:
    now = registered.world.now_ns() // 1_000_000_000
    with pytest.raises(ApprovalDoesNotCount, match="expired"):
        registered.deciding.hand_in(
            registered.signed("amir", changed={"not_before": now - 60, "expiry": now}),
            by=registered.person("amir"),
        )


def test_a_swapped_assertion_is_refused(registered: Desk) -> None:
    """The statement was changed after it was signed."""
    assertion = registered.signed("amir")
    swapped = assertion.model_copy(update={"statement": {**assertion.statement, "nonce": "other"}})
    with pytest.raises(ApprovalDoesNotCount):
        registered.deciding.hand_in(swapped, by=registered.person("amir"))


def test_nobody_hands_in_what_another_signed(registered: Desk) -> None:
    assertion = registered.signed("amir")
    for name in ("bea", "dana"):
        with pytest.raises(NotYours):
            registered.deciding.hand_in(assertion, by=registered.person(name))
    with pytest.raises(NotYours):
        registered.deciding.hand_in(assertion, by=registered.service("serving"))


def test_who_lacks_the_role_is_told_so(registered: Desk) -> None:
    with pytest.raises(Forbidden, match="role"):
        registered.deciding.statement(
            MODEL, 1, PROD, verb="approve", role="risk", by=registered.person("amir")
        )


def test_a_withdrawn_approval_closes_the_gate(registered: Desk) -> None:
    registered.approved()
    registered.say("amir", verb="withdraw")
    assert not registered.registry.judged(MODEL, 1, PROD).verdict.passed


def test_an_approval_can_be_given_again_after_a_withdrawal_but_not_replayed(registered: Desk) -> None:
    old = registered.signed("amir")
    registered.deciding.hand_in(old, by=registered.person("amir"))
    registered.say("amir", verb="withdraw")
    with pytest.raises(ApprovalDoesNotCount, match="once"):
        registered.deciding.hand_in(old, by=registered.person("amir"))
    assert registered.say("amir").kind is FactKind.APPROVAL


def test_nothing_to_withdraw_is_refused(registered: Desk) -> None:
    with pytest.raises(NothingToWithdraw):
        registered.say("amir", verb="withdraw")


def test_evidence_revoked_after_signing_undoes_the_approvals(registered: Desk) -> None:
    registered.approved()
    (evaluation,) = registered.world.follower.records(FactKind.EVALUATION)
    registered.world.revoke(evaluation.digest)
    judgement = registered.registry.judged(MODEL, 1, PROD)
    assert judgement.approvals == ()
    assert len(judgement.dropped) == 2


def test_an_unknown_version_or_verb_is_refused(registered: Desk) -> None:
    with pytest.raises(UnknownVersion):
        registered.signed("amir", number=2)
    with pytest.raises(BadRequest):
        registered.signed("amir", verb="admire")


@pytest.mark.parametrize("statement", [{}, {"type": "assay-login/v1"}, {"model": 1}, {"verb": "approve"}])
def test_a_statement_that_is_none_of_ours_is_refused(registered: Desk, statement: dict[str, object]) -> None:
    assertion = registered.world.people["amir"].passkey.assert_(statement)
    with pytest.raises(ServiceError):
        registered.deciding.hand_in(assertion, by=registered.person("amir"))


def test_two_replicas_given_one_assertion_say_it_once(registered: Desk) -> None:
    assertion = registered.signed("amir")
    first: list[str] = []
    by = registered.person("amir")
    second = replace(
        registered.deciding,
        registry=registered.raced_by(
            lambda: first.append(registered.deciding.hand_in(assertion, by=by).digest)
        ),
    )
    assert [second.hand_in(assertion, by=by).digest] == first


def stated(desk: Desk, limits: Conditions, verb: str = "approve") -> Assertion:
    """Have amir sign what the registry shows him under conditions."""
    statement = desk.deciding.statement(
        MODEL, 1, PROD, verb=verb, role="approver", by=desk.person("amir"), conditions=limits
    )
    return desk.world.people["amir"].passkey.assert_(statement)


def test_what_an_approval_is_limited_to_is_signed_and_counts_there_alone(registered: Desk) -> None:
    said = stated(registered, Conditions(("credit",)))
    assert said.statement["conditions"] == {"endpoints": ["credit"]}
    registered.deciding.hand_in(said, by=registered.person("amir"))
    registered.say("bea")
    judged = registered.registry.judged
    assert judged(MODEL, 1, PROD, "credit").verdict.passed
    assert not judged(MODEL, 1, PROD, "cards").verdict.passed
    with pytest.raises(GateNotMet, match="only on endpoint credit, and this is no endpoint"):
        registered.promote()


def test_a_limit_that_has_passed_or_that_no_approval_carries_is_not_even_shown(registered: Desk) -> None:
    now = registered.registry.now_ns() // 1_000_000_000
    with pytest.raises(ConditionRefused, match="has passed"):
        stated(registered, Conditions(until=now))
    for verb in ("reject", "withdraw"):
        with pytest.raises(ConditionRefused, match="sets no conditions"):
            stated(registered, Conditions(("credit",)), verb)


@pytest.mark.parametrize("conditions", [{"max_rows": 5}, {"endpoints": ["b", "a"]}, {"until": 1}, []])
def test_a_limit_that_nobody_would_hold_is_refused_when_it_is_handed_in(
    registered: Desk, conditions: object
) -> None:
    said = registered.signed("amir", changed={"conditions": conditions})
    with pytest.raises(ConditionRefused):
        registered.deciding.hand_in(said, by=registered.person("amir"))
