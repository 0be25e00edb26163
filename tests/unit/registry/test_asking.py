from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from assay.contracts import Environment, FactKind
from assay.custody.errors import WrongSubject
from services.registry.asking import Standing
from services.registry.errors import (
    AlreadyAsked,
    BadComment,
    DuePassed,
    NotYours,
    RequestEnded,
    UnknownRequest,
)
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD, Desk


def ask(desk: Desk, name: str = "dana", **said: Any) -> Standing:  # noqa: ANN401
    return desk.asking.request(MODEL, 1, PROD, **{"note": "please", **said}, by=desk.person(name))


def waiting(desk: Desk, name: str) -> list[str]:
    return [one.request.id for one in desk.asking.waiting(desk.person(name))]


def present(desk: Desk) -> datetime:
    return datetime.fromtimestamp(desk.world.now_ns() / 1e9, UTC)


def test_a_request_waits_for_every_approver_who_had_no_hand_in_the_version(desk: Desk) -> None:
    desk.trained(contributors=("dana", "bea"))
    desk.register()
    asked = ask(desk).request
    assert waiting(desk, "amir") == [asked.id]
    assert waiting(desk, "bea") == waiting(desk, "dana") == []


def test_who_has_decided_is_not_asked_again_and_the_request_ends_when_the_gate_passes(
    registered: Desk,
) -> None:
    asked = ask(registered).request
    registered.say("amir")
    assert waiting(registered, "amir") == []
    assert waiting(registered, "bea") == [asked.id]
    registered.say("bea")
    assert registered.asking.find(asked.id).state == "approved"
    assert waiting(registered, "bea") == []


def test_after_a_withdrawn_approval_it_waits_for_that_person_again(registered: Desk) -> None:
    asked = ask(registered).request
    registered.say("amir")
    registered.say("amir", verb="withdraw")
    assert waiting(registered, "amir") == [asked.id]


def test_a_rejection_ends_the_request_and_not_one_made_after_it(registered: Desk) -> None:
    asked = ask(registered).request
    registered.say("amir", verb="reject")
    assert registered.asking.find(asked.id).state == "rejected"
    again = ask(registered)
    assert again.state == "open"
    assert waiting(registered, "amir") == [again.request.id]


def test_whose_approval_no_longer_counts_is_asked_again(registered: Desk) -> None:
    asked = ask(registered).request
    registered.say("amir")
    assert waiting(registered, "amir") == []
    (evaluation,) = registered.world.follower.records(FactKind.EVALUATION)
    registered.world.revoke(evaluation.digest)
    assert waiting(registered, "amir") == [asked.id]


def test_a_question_waits_for_whoever_asked_until_it_is_answered(registered: Desk) -> None:
    asked = ask(registered).request
    by = registered.person("amir")
    assert registered.asking.question(asked.id, "Why so soon?", by=by).state == "asked"
    assert waiting(registered, "dana") == [asked.id]
    registered.asking.comment(MODEL, 1, "The old one drifts.", request=asked.id, by=registered.person("dana"))
    assert waiting(registered, "dana") == []
    assert [one.text for one in registered.asking.comments(MODEL, 1)] == [
        "Why so soon?",
        "The old one drifts.",
    ]


def test_a_request_ends_when_it_is_due(registered: Desk) -> None:
    asked = ask(registered, due=present(registered) + timedelta(seconds=90)).request
    assert registered.asking.find(asked.id).state == "open"
    registered.world.start += timedelta(seconds=90)
    assert registered.asking.find(asked.id).state == "expired"
    with pytest.raises(RequestEnded):
        registered.asking.question(asked.id, "Too late?", by=registered.person("amir"))


def test_what_is_due_first_stands_first(registered: Desk) -> None:
    later, never, soon = (
        ask(registered, due=present(registered) + timedelta(days=2)).request,
        ask(registered, "ada").request,
        registered.asking.request(
            MODEL,
            1,
            PROD,
            note="",
            due=present(registered) + timedelta(days=1),
            by=registered.person("grace"),
        ).request,
    )
    assert waiting(registered, "amir") == [soon.id, later.id, never.id]


def test_only_who_asked_or_an_administrator_takes_a_request_back(registered: Desk) -> None:
    asked = ask(registered).request
    with pytest.raises(NotYours):
        registered.asking.withdraw(asked.id, by=registered.person("amir"))
    assert registered.asking.withdraw(asked.id, by=registered.person("dana")).state == "withdrawn"
    assert waiting(registered, "amir") == []
    with pytest.raises(RequestEnded):
        registered.asking.withdraw(asked.id, by=registered.person("ada"))


def test_the_same_asked_twice_is_one_request_and_in_other_words_refused(registered: Desk) -> None:
    assert ask(registered).request.id == ask(registered).request.id
    with pytest.raises(AlreadyAsked):
        ask(registered, note="now!")
    registered.asking.withdraw(ask(registered).request.id, by=registered.person("dana"))
    assert ask(registered, note="now!").state == "open"


def test_a_version_that_was_revoked_is_nothing_to_decide(registered: Desk) -> None:
    asked = ask(registered).request
    registered.world.revoke(registered.registry.believed.version(MODEL, 1).digest)
    found = registered.asking.find(asked.id)
    assert (found.state, found.judgement) == ("stopped", None)
    assert "revoked" in found.why
    assert waiting(registered, "amir") == []


def said_by(desk: Desk, text: str) -> Callable[[], object]:
    return lambda: desk.asking.comment(MODEL, 1, text, by=desk.person("amir"))


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001, "a\x00b", "a\u202eb"])
def test_a_comment_that_is_empty_too_long_or_not_shown_is_refused(registered: Desk, text: str) -> None:
    with pytest.raises(BadComment):
        said_by(registered, text)()
    assert registered.asking.comments(MODEL, 1) == []


def test_what_is_not_there_or_too_late_or_nobodys_is_refused(registered: Desk) -> None:
    with pytest.raises(UnknownRequest):
        registered.asking.find("q-0")
    with pytest.raises(DuePassed):
        ask(registered, due=present(registered))
    with pytest.raises(DuePassed):
        ask(registered, due=datetime(2030, 1, 1))  # noqa: DTZ001 - the promise: a zone is named
    with pytest.raises(DuePassed, match="beyond the last day"):
        ask(registered, due=datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))))
    with pytest.raises(NotYours):
        registered.asking.request(MODEL, 1, Environment.PROD, note="", by=registered.service("training"))


def test_requests_and_comments_are_there_after_a_restart(registered: Desk) -> None:
    asked = ask(registered).request
    said_by(registered, "Looks good.")()
    registered.open()
    assert registered.asking.find(asked.id).request == asked
    assert [one.text for one in registered.asking.comments(MODEL, 1)] == ["Looks good."]


def test_a_reason_is_signed_with_the_decision_and_cannot_be_changed(registered: Desk) -> None:
    by = registered.person("amir")
    statement = registered.deciding.statement(
        MODEL, 1, PROD, verb="reject", role="approver", by=by, reason=" The slices are too small. "
    )
    assert statement["reason"] == "The slices are too small."
    passkey = registered.world.people["amir"].passkey
    record = registered.deciding.hand_in(passkey.assert_(statement), by=by)
    assert record.fact.body["assertion"]["statement"]["reason"] == "The slices are too small."
    with pytest.raises(WrongSubject):
        registered.deciding.hand_in(passkey.assert_({**statement, "reason": ""}), by=by)
    with pytest.raises(WrongSubject):
        registered.deciding.hand_in(passkey.assert_({**statement, "reason": 7}), by=by)


def test_a_request_is_approved_where_its_approvers_limited_themselves_to_and_asks_nobody_again(
    registered: Desk,
) -> None:
    asked = registered.asking.request(MODEL, 1, PROD, note="", by=registered.person("dana")).request.id
    for name, endpoints in (("amir", ["cards", "credit"]), ("bea", ["credit"])):
        said = registered.signed(name, changed={"conditions": {"endpoints": endpoints}})
        registered.deciding.hand_in(said, by=registered.person(name))
        assert registered.asking.waiting(registered.person(name)) == []
    standing = registered.asking.find(asked)
    assert standing.state == "approved"
    assert standing.judgement is not None
    assert standing.judgement.use.endpoint == "credit"
