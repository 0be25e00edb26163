from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import (
    Conflict,
    Forbidden,
    HeadMoved,
    NotFound,
    ServiceError,
    Stale,
    Unavailable,
    refusal_from,
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_a_refusal_says_what_was_refused_and_what_to_do() -> None:
    assert Forbidden("no role", fix="ask ada", rule="registry/promote.people").problem() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "no role",
        "fix": "ask ada",
        "rule": "registry/promote.people",
    }


@pytest.mark.parametrize("kind", [ServiceError, Forbidden, NotFound, Conflict, HeadMoved, Unavailable, Stale])
def test_a_refusal_comes_back_from_its_problem_as_itself(kind: type[ServiceError]) -> None:
    refusal = kind("because", fix="do this", head="ab", missing=["card"])
    again = refusal_from(refusal.problem())
    assert type(again) is kind
    assert again.problem() == refusal.problem()


def test_a_refusal_without_a_fix_of_its_own_has_its_classs() -> None:
    assert refusal_from({"title": "HeadMoved", "detail": "x"}).fix == HeadMoved.fix


@pytest.mark.parametrize(
    ("status", "family"),
    [(403, Forbidden), (404, NotFound), (409, Conflict), (503, Unavailable), (418, ServiceError)],
)
def test_a_name_this_process_does_not_know_belongs_to_its_status(
    status: int, family: type[ServiceError]
) -> None:
    refusal = refusal_from({"title": "NobodyKnowsThis", "status": status, "detail": "x"})
    assert (type(refusal).__name__, refusal.status) == ("NobodyKnowsThis", status)
    assert isinstance(refusal, family)


def test_a_known_name_keeps_its_own_status_whatever_the_answer_claims() -> None:
    assert refusal_from({"title": "Forbidden", "status": 200, "detail": "x"}).status == 403


def test_a_name_that_is_known_by_hearsay_is_what_each_answer_says_it_is() -> None:
    first = refusal_from({"title": "SaidTwice", "status": 404})
    second = refusal_from({"title": "SaidTwice", "status": 409})
    assert (first.status, second.status) == (404, 409)


@pytest.mark.parametrize("status", [200, 204, 302, 399, 600, -1, True, "403", 403.0, None, [], {}])
def test_no_refusal_has_the_status_of_a_success(status: object) -> None:
    assert refusal_from({"title": "NeverHeardOf", "status": status}).status == 500


@pytest.mark.parametrize("title", [None, "", 5, "a\0b", "\ud800", ["Forbidden"]])
def test_a_name_that_is_none_is_no_name(title: object) -> None:
    assert type(refusal_from({"title": title, "detail": "x"})) is ServiceError


def test_other_members_are_kept_and_stand_beside_nothing_of_ours() -> None:
    refusal = refusal_from({"title": "Forbidden", "detail": "x", "self": 1, "extra": 2, "cls": 3})
    assert refusal.extra == {"self": 1, "extra": 2, "cls": 3}
    assert refusal.problem()["title"] == "Forbidden"


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["type", "title", "status", "detail", "fix", "self"]) | st.text(),
        ANY_JSON,
        max_size=6,
    )
)
def test_whatever_a_server_says_becomes_a_refusal(problem: dict[str, Any]) -> None:
    refusal = refusal_from(problem)
    assert isinstance(refusal, ServiceError)
    assert 400 <= refusal.status <= 599
    assert isinstance(refusal.fix, str)
