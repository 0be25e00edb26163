"""What Great Expectations' results mean: which rows are bad and why, and what may be kept as evidence.

Results are in Great Expectations' own JSON form. The evidence kept is that form without any value from the
data: counts stay; lists of values, observed values of personal columns, fingerprints and messages go.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import pyarrow as pa

from services.ingestion.domain import Contract
from services.ingestion.errors import BadContract, ExpectationBroken, ExpectationsNotMet

Result = Mapping[str, Any]

REASONS: Final = "reasons"
ROW: Final = "row"
_COLUMN_MEMBERS: Final = ("column", "column_A", "column_B", "column_list", "column_set")
SUITE_MEMBERS: Final = frozenset({"name", "expectations", "meta", "notes"})
EXPECTATION_MEMBERS: Final = frozenset({"type", "kwargs", "meta", "notes", "severity", "description"})
EXPECTATIONS: Final = frozenset(
    {  # each was looked at: none runs code, opens a URL or a query that stands in the suite
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
        "expect_column_to_exist",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_not_match_regex_list",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_min_to_be_between",
        "expect_column_max_to_be_between",
        "expect_column_mean_to_be_between",
        "expect_column_median_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_unique_value_count_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_quantile_values_to_be_between",
        "expect_column_distinct_values_to_be_in_set",
        "expect_column_distinct_values_to_contain_set",
        "expect_column_distinct_values_to_equal_set",
        "expect_column_most_common_value_to_be_in_set",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_compound_columns_to_be_unique",
        "expect_multicolumn_sum_to_equal",
        "expect_select_column_values_to_be_unique_within_record",
    }
)
_COUNTS: Final = frozenset(
    {
        "element_count",
        "unexpected_count",
        "unexpected_percent",
        "unexpected_percent_total",
        "unexpected_percent_nonmissing",
        "missing_count",
        "missing_percent",
    }
)


@dataclass(frozen=True)
class Verdict:
    """Bad rows by number, each with its reasons, e.g. `expect_column_values_to_not_be_null(age)`."""

    rows: int
    bad: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, result: Result, rows: int) -> Self:
        """Read a COMPLETE result; raises ExpectationBroken when an expectation could not be evaluated."""
        bad: dict[int, list[str]] = defaultdict(list)
        for one in result["results"]:
            _check_evaluated(one)
            for row in one["result"].get("unexpected_index_list") or ():
                bad[int(row)].append(reason(one))
        return cls(rows, {row: tuple(dict.fromkeys(why)) for row, why in sorted(bad.items())})

    def within(self, limit: float) -> Self:
        """Return this verdict when rows are left and no more than `limit` (a share) of them are bad.

        Raises:
            ExpectationsNotMet: too many bad rows; names the reasons with their counts.
        """
        if len(self.bad) == self.rows or len(self.bad) > limit * self.rows:
            counts = Counter(one for why in self.bad.values() for one in why)
            said = ", ".join(f"{name} in {rows}" for name, rows in counts.most_common(5))
            raise ExpectationsNotMet(f"{len(self.bad)} of {self.rows} rows fail: {said}")
        return self


def kept(table: pa.Table, verdict: Verdict) -> pa.Table:
    """Return the rows nothing was found against."""
    return table.take(pa.array([row for row in range(table.num_rows) if row not in verdict.bad], pa.int64()))


def set_aside(table: pa.Table, verdict: Verdict) -> pa.Table:
    """Return the bad rows with their number in the file (from 1) and their reasons."""
    rows = list(verdict.bad)
    bad = table.take(pa.array(rows, pa.int64()))
    bad = bad.append_column(ROW, pa.array([row + 1 for row in rows], pa.int64()))
    return bad.append_column(
        REASONS, pa.array([list(why) for why in verdict.bad.values()], pa.list_(pa.string()))
    )


def reasons(evidence: Result) -> list[dict[str, Any]]:
    """Return from kept evidence which expectations found bad rows, and in how many: most first."""
    found = [
        {
            "expectation": one["expectation_config"]["type"],
            "column": ", ".join(_columns(one["expectation_config"]["kwargs"])),
            "rows": int(one["result"]["unexpected_count"]),
        }
        for one in evidence["results"]
        if one["result"].get("unexpected_count")
    ]
    return sorted(found, key=lambda entry: (-entry["rows"], entry["expectation"], entry["column"]))


def reason(one: Result) -> str:
    """Return an expectation with its columns: `expect_column_values_to_be_between(age)`."""
    config = one["expectation_config"]
    return f"{config['type']}({', '.join(_columns(config['kwargs']))})"


def check_whole(result: Result) -> None:
    """Raise ExpectationsNotMet unless every expectation holds on the rows that are kept."""
    failed = [reason(one) for one in result["results"] if one["success"] is not True]
    for one in result["results"]:
        _check_evaluated(one)
    if failed or result["success"] is not True:
        raise ExpectationsNotMet(f"the batch fails {', '.join(failed[:5]) or 'its suite'}")


def check_suite(contract: Contract) -> None:
    """Raise BadContract unless a suite only names columns of the schema and only does what is listed above."""
    expectations = contract.suite.get("expectations")
    if not isinstance(expectations, list) or not isinstance(contract.suite.get("name"), str):
        raise BadContract("suite: needs a name and a list of expectations")
    if set(contract.suite) - SUITE_MEMBERS:
        raise BadContract(f"suite: has members beyond {', '.join(sorted(SUITE_MEMBERS))}")
    for place, one in enumerate(expectations):
        problem = _problem_of(one, frozenset(contract.schema_))
        if problem is not None:
            raise BadContract(f"suite.expectations.{place}: {problem}")


def _problem_of(one: Any, columns: frozenset[str]) -> str | None:  # noqa: ANN401 - any JSON value
    if not isinstance(one, dict) or not isinstance(one.get("kwargs", {}), dict):
        return "is not an expectation"
    kwargs = one.get("kwargs", {})
    strangers = set(_columns(kwargs)) - columns
    problems = {
        f"has members beyond {', '.join(sorted(EXPECTATION_MEMBERS))}": set(one) - EXPECTATION_MEMBERS,
        f"{str(one.get('type'))[:100]!r} is not an expectation that is judged here": (
            one.get("type") not in EXPECTATIONS
        ),
        "a row_condition is code": {"row_condition", "condition_parser"} & set(kwargs),
        "a parameter ($…) is not a value": _holds_parameter(kwargs),
        f"{min(strangers, default='')[:80]!r} is not in the schema": strangers,
    }
    return next((problem for problem, holds in problems.items() if holds), None)


def _holds_parameter(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return any(name.startswith("$") or _holds_parameter(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_holds_parameter, value))


def evidence(result: Result, personal: frozenset[str]) -> dict[str, Any]:
    """Return a result without any value from the data, as canonical JSON can hold it."""
    return {
        "success": result["success"],
        "suite_name": result["suite_name"],
        "statistics": _numbers(result["statistics"]),
        "meta": {"great_expectations_version": result["meta"]["great_expectations_version"]},
        "results": [_evidence_of(one, personal) for one in result["results"]],
    }


def _evidence_of(one: Result, personal: frozenset[str]) -> dict[str, Any]:
    config = one["expectation_config"]
    columns = _columns(config["kwargs"])
    kwargs = {name: value for name, value in config["kwargs"].items() if name != "batch_id"}
    kept = {name: value for name, value in one["result"].items() if name in _COUNTS}
    if not personal & set(columns):
        kept |= _numbers({"observed_value": one["result"].get("observed_value")})
    return {
        "success": one["success"],
        "expectation_config": {"type": config["type"], "kwargs": kwargs, "severity": config.get("severity")},
        "result": _numbers(kept),
    }


def _numbers(members: Result) -> dict[str, int | float]:
    return {
        name: value
        for name, value in members.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def _check_evaluated(one: Result) -> None:
    information = one.get("exception_info") or {}
    parts = [information] if "raised_exception" in information else list(information.values())
    if any(part.get("raised_exception") for part in parts) or not one["result"]:
        raise ExpectationBroken(f"{reason(one)} could not be evaluated")


def _columns(kwargs: Result) -> list[str]:
    return [column for member in _COLUMN_MEMBERS for column in _as_names(kwargs.get(member))]


def _as_names(value: str | Sequence[str] | None) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif value is not None:
        yield from (str(one) for one in value)
