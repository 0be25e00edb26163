"""What an approver may limit an approval to: a closed list in one spelling, refused by name where it is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assay.contracts import Conditions
from assay.contracts.conditions import LATEST, MOST_ENDPOINTS, SECOND
from assay.errors import BadRequest, ConditionRefused

UNTIL = 1_800_000_000


@pytest.mark.parametrize(
    "said",
    [{}, {"endpoints": ["credit"]}, {"endpoints": ["cards", "credit"]}, {"until": UNTIL}, {"until": LATEST}],
)
def test_what_is_in_the_list_is_read_and_spelled_again_the_same(said: dict[str, object]) -> None:
    assert Conditions.read(said).to_json() == said


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"max_share": 0.1}, "max_share"),
        ({"endpoints": ["credit"], "Until": UNTIL}, "Until"),
        (None, "an object"),
        ([], "an object"),
        ({"endpoints": []}, "limits nothing"),
        ({"until": None}, "limits nothing"),
        ({"endpoints": "credit"}, "list of names"),
        ({"endpoints": [1]}, "list of names"),
        ({"endpoints": ["credit", "cards"]}, "in order"),
        ({"endpoints": ["credit", "credit"]}, "once each"),
        ({"endpoints": [f"e{n:02}" for n in range(MOST_ENDPOINTS + 1)]}, "at most"),
        ({"endpoints": ["Credit"]}, "endpoint 'Credit'"),
        ({"endpoints": ["../credit"]}, "endpoint"),
        ({"until": 0}, "no time"),
        ({"until": True}, "no time"),
        ({"until": 1.5}, "no time"),
        ({"until": "2027-01-01"}, "no time"),
        ({"until": LATEST + 1}, "no time"),
    ],
)
def test_anything_else_is_refused_and_says_what(said: object, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        Conditions.read(said)


def test_what_somebody_asks_for_is_put_in_order() -> None:
    asked = Conditions.of(["credit", "cards", "credit"], datetime(2027, 1, 15, 8, tzinfo=UTC))
    assert asked.to_json() == {"endpoints": ["cards", "credit"], "until": UNTIL}
    assert asked.words() == ["only on endpoint cards or credit", "only until 2027-01-15 08:00:00 UTC"]
    with pytest.raises(ConditionRefused, match="time zone"):
        Conditions.of([], datetime(2027, 1, 15, 8))  # noqa: DTZ001 - what is refused


def test_what_is_not_met_is_said_in_words() -> None:
    limits = Conditions(("cards", "credit"), UNTIL)
    assert limits.unmet("credit", UNTIL * SECOND - 1) == []
    assert limits.unmet("loans", 0) == limits.unmet(None, 0) == ["only on endpoint cards or credit"]
    assert limits.unmet("cards", UNTIL * SECOND) == ["only until 2027-01-15 08:00:00 UTC"]
    assert Conditions().unmet(None, LATEST * SECOND) == []
