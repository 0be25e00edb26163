from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from services.ingestion import judging
from services.ingestion.domain import Contract, Push
from services.ingestion.errors import BadContract, BadParameter

SUITE = {"name": "clients", "expectations": []}
NOW = dt.datetime.fromisoformat("2026-01-01")


def contract(**changes: object) -> dict[str, Any]:
    return {"suite": SUITE, "schema": {"email": "string", "age": "int8"}, **changes}


def test_a_contract_comes_back_from_its_own_document() -> None:
    parsed = Contract.parse(contract(tags={"email": ["pii", "email"]}))
    assert Contract.parse(parsed.document()) == parsed
    assert parsed.personal == {"email"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": {}}, "schema"),
        ({"schema": {"a b": "string"}}, "column name"),
        ({"tags": {"phone": ["pii", "phone"]}}, "'phone' is not a column"),
        ({"tags": {"email": ["pii"]}}, "come together"),
        ({"tags": {"email": ["email"]}}, "come together"),
        ({"tags": {"email": ["PII", "email"]}}, "a tag is"),
        ({"quarantine_limit": 1.5}, "quarantine_limit"),
        ({"more": 1}, "more"),
    ],
)
def test_a_contract_that_does_not_hold_together_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadContract, match=said):
        Contract.parse(contract(**changes))


BETWEEN = "expect_column_values_to_be_between"
BAD_EXPECTATIONS: list[tuple[dict[str, Any], str]] = [
    ({"type": BETWEEN, "kwargs": {"column": "nope"}}, "nope"),
    ({"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["age", "nope"]}}, "nope"),
    ({"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "…"}}, "judged here"),
    ({"type": "expect_column_values_to_match_json_schema", "kwargs": {"column": "email"}}, "judged here"),
    ({"type": BETWEEN, "kwargs": {"column": "age", "row_condition": "@pd.eval('1')"}}, "is code"),
    ({"type": BETWEEN, "kwargs": {"column": "age", "min_value": {"$PARAMETER": "now()"}}}, "not a value"),
    ({"type": BETWEEN, "kwargs": {"column": "age"}, "expectation_context": {}}, "members beyond"),
]


@pytest.mark.parametrize(("expectation", "said"), BAD_EXPECTATIONS)
def test_an_expectation_that_is_not_plainly_about_the_columns_is_refused(
    expectation: dict[str, Any], said: str
) -> None:
    bad = Contract.parse(contract(suite={"name": "s", "expectations": [expectation]}))
    with pytest.raises(BadContract, match=said):
        judging.check_suite(bad)


@pytest.mark.parametrize("suite", [{"name": "s"}, {"expectations": []}, {"name": "s", "expectations": ["x"]}])
def test_a_suite_without_its_form_is_refused(suite: dict[str, Any]) -> None:
    with pytest.raises(BadContract):
        judging.check_suite(Contract.parse(contract(suite=suite)))


def push(**changes: object) -> Push:
    said: dict[str, Any] = {"label": "2005-04", "source": "push", "recorded_at": NOW, "now": NOW}
    said |= {"dataset": "clients", "media_type": "text/csv", "content": b"x", **changes}
    return Push.checked(**said)


@pytest.mark.parametrize("word", ["ada@x.example", "Ada Canary", "", "../up", "x" * 64])
def test_free_text_never_gets_into_the_ledger(word: str) -> None:
    with pytest.raises(BadParameter, match="source"):
        push(source=word)
    with pytest.raises(BadParameter, match="batch"):
        push(label=word)


def test_nothing_is_recorded_in_the_future() -> None:
    with pytest.raises(BadParameter, match="yet to come"):
        push(recorded_at=NOW + dt.timedelta(seconds=1))
