"""Handing a role on and deciding with it, as the registry sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assay.contracts import FactKind
from assay.custody.errors import ApprovalDoesNotCount
from assay.errors import Forbidden, HeadMoved, ServiceError
from services.registry.delegating import Delegating
from services.registry.errors import DelegationRefused, NothingToWithdraw, NotYours, WhoseVoice
from services.registry.showing.gates import gates_shown
from services.registry.showing.requests import Sheet, may_say, request_shown, sheet_shown
from services.registry.showing.signers import candidates_shown, words_shown
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD, Desk


@pytest.fixture
def away(registered: Desk) -> Desk:
    """Dora is an operator: she may look, and decides nothing by herself."""
    registered.world.enrol_by("dora", "operator", by=("ada", "grace"))
    return registered


def soon(desk: Desk, **more: float) -> datetime:
    return datetime.fromtimestamp(desk.world.now_ns() / 1e9, UTC) + timedelta(**more)


def hand_on(desk: Desk, name: str = "bea", to: str = "dora", **said: Any) -> str:  # noqa: ANN401
    """Have somebody hand their role on for two days; return the fact."""
    delegating, by = Delegating(desk.registry), desk.person(name)
    wanted = {"to": desk.world.person(to), "role": "approver", "until": soon(desk, days=2), **said}
    statement = delegating.statement(**wanted, by=by)
    return delegating.hand_in(desk.world.people[name].passkey.assert_(statement), by=by).digest


def test_a_delegate_is_asked_decides_and_counts_for_whoever_is_away(away: Desk) -> None:
    away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana"))
    assert away.asking.waiting(away.person("dora")) == []
    fact = hand_on(away)
    assert len(away.asking.waiting(away.person("dora"))) == 1
    statement = away.signed("dora").statement
    assert statement["delegation"] == fact
    away.say("dora")
    away.say("amir")
    judgement = away.registry.judged(MODEL, 1, PROD)
    assert judgement.verdict.passed
    assert {one.holder for one in judgement.approvals} == {"p-amir", "p-bea"}


def test_a_delegates_word_ends_with_the_delegation(away: Desk) -> None:
    until = soon(away, hours=3)
    hand_on(away, until=until)
    assert away.signed("dora").statement["expiry"] == int(until.timestamp())


def test_after_the_end_nothing_new_is_said(away: Desk) -> None:
    hand_on(away)
    before = away.signed("dora")
    hand_on(away, to="dora", until=None, ended=True)
    with pytest.raises(Forbidden, match="role"):
        away.signed("dora")
    with pytest.raises(ApprovalDoesNotCount):
        away.deciding.hand_in(before, by=away.person("dora"))
    assert Delegating(away.registry).standing() == []


def test_a_delegate_takes_back_what_they_said_when_the_delegation_has_ended(away: Desk) -> None:
    hand_on(away)
    away.say("dora")
    hand_on(away, to="dora", until=None, ended=True)
    asked = away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana"))
    by = away.person("dora")
    may = may_say(away.registry, asked, by, away.asking.voices(by, asked.request))
    assert (may.verbs, may.voices) == (("withdraw",), (("approver", "p-bea"),))
    away.say("dora", verb="withdraw")
    assert away.registry.judged(MODEL, 1, PROD).approvals == ()
    with pytest.raises(Forbidden, match="role"):
        away.say("dora")


def test_a_delegate_takes_back_what_they_said_when_the_time_is_over(away: Desk) -> None:
    hand_on(away, until=soon(away, hours=1))
    away.say("dora")
    away.world.start += timedelta(hours=2)
    assert away.say("dora", verb="withdraw").kind is FactKind.WITHDRAWAL


def test_nobody_takes_back_under_a_delegation_they_did_not_speak_under(away: Desk) -> None:
    first = hand_on(away)
    said = away.signed("dora").statement
    named = {**said, "verb": "withdraw", "delegation": first}
    with pytest.raises(NothingToWithdraw):
        away.deciding.hand_in(away.world.people["dora"].passkey.assert_(named), by=away.person("dora"))


def test_whoever_comes_back_says_their_own_word_and_it_is_the_one_that_stands(away: Desk) -> None:
    asked = away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana")).request
    hand_on(away)
    before = away.signed("dora")
    away.say("dora")
    away.say("amir")
    assert away.asking.find(asked.id).state == "approved"
    away.say("bea", verb="reject")
    assert away.asking.find(asked.id).state == "rejected"
    with pytest.raises(ApprovalDoesNotCount, match="spoken for themselves"):
        away.signed("dora")
    with pytest.raises(ApprovalDoesNotCount, match="spoken for themselves"):
        away.deciding.hand_in(before, by=away.person("dora"))


def test_who_decides_for_two_says_for_whom(away: Desk) -> None:
    hand_on(away, "bea")
    hand_on(away, "amir")
    asked = away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana"))
    by = away.person("dora")

    def shown(holder: str) -> Sheet:
        said = away.deciding.statement(MODEL, 1, PROD, verb="approve", role="approver", by=by, holder=holder)
        return sheet_shown(away.registry, said)

    assert away.asking.voices(by, asked.request) == [("approver", "p-amir"), ("approver", "p-bea")]
    with pytest.raises(WhoseVoice, match="p-bea and for p-amir"):
        shown("")
    for holder in ("p-amir", "p-bea"):
        assert ("in the place of", holder) in shown(holder).words
    with pytest.raises(Forbidden):
        shown("p-dana")
    away.say("amir")
    assert ("in the place of", "p-bea") in shown("").words


def test_pages_say_for_whom_a_word_is_and_who_could_say_one(away: Desk) -> None:
    hand_on(away)
    people = [away.world.person(name) for name in ("amir", "bea", "dora")]
    contributors = frozenset[str]()
    found = candidates_shown(away.registry, people, [], contributors)
    assert [(one.person, one.holder) for one in found] == [("p-amir", ""), ("p-bea", ""), ("p-dora", "p-bea")]
    away.say("dora")
    (gate,) = gates_shown(away.registry, MODEL, 1, (PROD,))
    words = words_shown(away.registry, MODEL, 1, PROD, gate)
    assert [(one.person, one.holder, one.counts) for one in words] == [("p-dora", "p-bea", True)]
    assert [one.person for one in candidates_shown(away.registry, people, words, contributors)] == ["p-amir"]
    asked = away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana"))
    assert [one.holder for one in request_shown(away.registry, asked).words] == ["p-bea"]


def test_nobody_is_asked_for_somebody_who_has_spoken(away: Desk) -> None:
    away.say("bea", verb="reject")
    hand_on(away)
    away.asking.request(MODEL, 1, PROD, note="again", by=away.person("dana"))
    assert away.asking.waiting(away.person("dora")) == []
    assert len(away.asking.waiting(away.person("bea"))) == 1


def test_when_the_time_is_over_nobody_is_asked(away: Desk) -> None:
    away.asking.request(MODEL, 1, PROD, note="", by=away.person("dana"))
    hand_on(away, until=soon(away, hours=1))
    away.world.start += timedelta(hours=1)
    assert away.asking.waiting(away.person("dora")) == []


def test_whoever_contributed_cannot_have_somebody_decide(desk: Desk) -> None:
    desk.world.enrol_by("dora", "operator", by=("ada", "grace"))
    desk.trained(contributors=("dana", "bea"))
    desk.register()
    hand_on(desk)
    with pytest.raises(ServiceError, match="contributed"):
        desk.say("dora")


@pytest.mark.parametrize(
    "said",
    [
        {"to": "bea"},
        {"role": "administrator"},
        {"role": "risk"},
        {"until": datetime(2020, 1, 1, tzinfo=UTC)},
        {"until": datetime(2100, 1, 1, tzinfo=UTC)},
        {"until": None, "ended": True},
    ],
)
def test_what_cannot_be_handed_on_is_refused(away: Desk, said: dict[str, Any]) -> None:
    with pytest.raises(DelegationRefused):
        hand_on(away, **said)


def test_nobody_hands_on_anothers_role_or_twice_from_one_place(away: Desk) -> None:
    delegating = Delegating(away.registry)
    until = soon(away, days=1)
    statement = delegating.statement(to="p-dora", role="approver", until=until, by=away.person("bea"))
    said = away.world.people["bea"].passkey.assert_(statement)
    with pytest.raises(NotYours):
        delegating.hand_in(said, by=away.person("amir"))
    with pytest.raises(ServiceError):
        delegating.hand_in(
            said.model_copy(update={"statement": {**statement, "to": "p-dana"}}), by=away.person("bea")
        )
    first = delegating.hand_in(said, by=away.person("bea"))
    assert delegating.hand_in(said, by=away.person("bea")).digest == first.digest
    hand_on(away, to="dana")
    with pytest.raises(HeadMoved):
        delegating.hand_in(said, by=away.person("bea"))
