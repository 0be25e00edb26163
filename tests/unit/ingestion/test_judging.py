from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from services.ingestion import judging
from services.ingestion.errors import ExpectationBroken, ExpectationsNotMet
from services.ingestion.judging import Verdict

TABLE = pa.table({"age": [20, 500, 30, None], "email": ["a@x", "b@x", "canary", "d@x"]})


def result(*entries: dict[str, Any], success: bool = False) -> dict[str, Any]:
    """A result as Great Expectations 1.24 gives it."""
    return {
        "success": success,
        "suite_name": "s",
        "statistics": {"evaluated_expectations": len(entries), "success_percent": None},
        "meta": {
            "great_expectations_version": "1.24.1",
            "batch_markers": {"pandas_data_fingerprint": "f" * 32},
        },
        "results": list(entries),
    }


def entry(kind: str, column: str, rows: list[int], **more: object) -> dict[str, Any]:
    return {
        "success": not rows,
        "expectation_config": {
            "type": kind,
            "kwargs": {"column": column, "batch_id": "p-d"},
            "severity": "critical",
        },
        "result": {
            "element_count": 4,
            "unexpected_count": len(rows),
            "unexpected_list": ["canary" for _ in rows],
            "partial_unexpected_list": ["canary" for _ in rows],
            "unexpected_index_list": rows,
            **more,
        },
        "exception_info": {"raised_exception": False},
    }


AGE = entry("expect_column_values_to_be_between", "age", [1], observed_value=500)
EMAIL = entry("expect_column_values_to_match_regex", "email", [2, 1], observed_value=3)


def test_each_bad_row_knows_all_its_reasons() -> None:
    verdict = Verdict.of(result(AGE, EMAIL), 4)
    assert verdict.bad == {
        1: ("expect_column_values_to_be_between(age)", "expect_column_values_to_match_regex(email)"),
        2: ("expect_column_values_to_match_regex(email)",),
    }


def test_good_and_bad_rows_are_all_the_rows() -> None:
    verdict = Verdict.of(result(AGE, EMAIL), 4)
    assert judging.kept(TABLE, verdict)["email"].to_pylist() == ["a@x", "d@x"]
    bad = judging.set_aside(TABLE, verdict)
    assert bad[judging.ROW].to_pylist() == [2, 3]
    assert bad["email"].to_pylist() == ["b@x", "canary"]


def test_too_many_bad_rows_refuse_the_batch_with_counts() -> None:
    verdict = Verdict.of(result(AGE, EMAIL), 4)
    assert verdict.within(0.5) is verdict
    with pytest.raises(ExpectationsNotMet, match=r"2 of 4 rows fail: expect_column_values_to_match_regex"):
        verdict.within(0.25)


def test_a_batch_with_no_good_row_is_refused_whatever_the_limit() -> None:
    with pytest.raises(ExpectationsNotMet):
        Verdict.of(result(entry("e", "age", [0, 1])), 2).within(1.0)


def test_kept_evidence_holds_counts_and_no_value() -> None:
    kept = judging.evidence(result(AGE, EMAIL), frozenset({"email"}))
    text = json.dumps(kept)
    assert "canary" not in text
    assert "fingerprint" not in text
    assert "batch_id" not in text
    assert kept["results"][0]["result"] == {"element_count": 4, "unexpected_count": 1, "observed_value": 500}
    assert "observed_value" not in kept["results"][1]["result"]


def test_reasons_come_from_the_evidence_most_first() -> None:
    kept = judging.evidence(result(AGE, EMAIL), frozenset())
    assert judging.reasons(kept) == [
        {"expectation": "expect_column_values_to_match_regex", "column": "email", "rows": 2},
        {"expectation": "expect_column_values_to_be_between", "column": "age", "rows": 1},
    ]


def test_an_expectation_that_could_not_be_evaluated_is_no_pass() -> None:
    raised = {**AGE, "result": {}, "exception_info": {"metric": {"raised_exception": True}}}
    with pytest.raises(ExpectationBroken, match="age"):
        Verdict.of(result(raised), 4)
    with pytest.raises(ExpectationBroken):
        judging.check_whole(result({**raised, "success": True}, success=True))


def test_a_table_wide_expectation_that_fails_refuses_the_batch() -> None:
    count = {
        "success": False,
        "expectation_config": {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 9}},
        "result": {"observed_value": 4},
        "exception_info": {"raised_exception": False},
    }
    with pytest.raises(ExpectationsNotMet, match="expect_table_row_count_to_be_between"):
        judging.check_whole(result(count))


@pytest.mark.parametrize("success", [None, "true", 1])
def test_only_a_clear_true_is_a_pass(success: object) -> None:
    odd = {**AGE, "success": success}
    with pytest.raises(ExpectationsNotMet):
        judging.check_whole({**result(odd), "success": True})
