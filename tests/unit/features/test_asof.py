"""The as-of join against a slow reference, and against values planted from the future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from services.features import asof
from services.features.asof import AS_OF, ORDER, RECORDED, TIME
from services.features.definition import Attributes, Monthly

START = dt.datetime.fromisoformat("2005-03-28")
STATEMENTS = Monthly(
    dataset="statements",
    event_time="dated",
    months=3,
    lags=("bill",),
    aggregates={"bill": ("mean", "min", "max", "sum")},
    count="known",
)
CLIENTS = Attributes(dataset="clients", columns=("limit",))
Row = dict[str, Any]

days = st.integers(0, 130).map(lambda day: START + dt.timedelta(days=day))
statement = st.fixed_dictionaries(
    {"client": st.integers(1, 3), "dated": days, RECORDED: days, "bill": st.none() | st.integers(-50, 50)}
)
client = st.fixed_dictionaries({"client": st.integers(1, 3), RECORDED: days, "limit": st.integers(0, 9)})
entity = st.fixed_dictionaries({"client": st.integers(1, 4), AS_OF: days})


def frame(rows: Sequence[Row], like: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=like, orient="row").with_row_index(ORDER)


def statements(rows: Sequence[Row]) -> pl.DataFrame:
    return frame(rows, {"client": pl.Int32, "dated": TIME, RECORDED: TIME, "bill": pl.Int32})


def clients(rows: Sequence[Row]) -> pl.DataFrame:
    return frame(rows, {"client": pl.Int32, RECORDED: TIME, "limit": pl.Int32})


def entities(rows: Sequence[Row]) -> pl.DataFrame:
    return frame(rows, {"client": pl.Int32, AS_OF: TIME}).drop(ORDER)


def month(moment: dt.datetime) -> int:
    return moment.year * 12 + moment.month


def newest(rows: Sequence[Row], at: dt.datetime, event: str | None) -> Row | None:
    """The slow reference: look at every version, one by one."""
    found: Row | None = None
    for row in rows:
        if row[RECORDED] > at or (event is not None and row[event] > at):
            continue
        if found is None or row[RECORDED] >= found[RECORDED]:
            found = row
    return found


def expected(row: Row, versions: Sequence[Row]) -> list[float | None]:
    last = month(row[AS_OF] - dt.timedelta(microseconds=1))
    found = []
    for lag in range(STATEMENTS.months):
        same = [v for v in versions if v["client"] == row["client"] and month(v["dated"]) == last - lag]
        found.append(newest(same, row[AS_OF], "dated"))
    bills: list[float | None] = [None if one is None else one["bill"] for one in found]
    some = [bill for bill in bills if bill is not None]
    summary = [sum(some) / len(some), min(some), max(some), sum(some)] if some else [None] * 4
    return [*bills, *summary, sum(one is not None for one in found)]


def close(left: Sequence[float | None], right: Sequence[float | None]) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or b is None or abs(a - b) < 1e-9)
        for a, b in zip(left, right, strict=True)
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(entity, min_size=1, max_size=8), st.lists(statement, max_size=14))
def test_rows_are_those_of_the_slow_reference(wanted: list[Row], versions: list[Row]) -> None:
    joined = asof.join(entities(wanted), STATEMENTS, statements(versions), "client")
    assert joined.height == len(wanted)
    for row, found in zip(wanted, joined.iter_rows(), strict=True):
        assert found[:2] == (row["client"], row[AS_OF])
        assert close(found[2:], expected(row, versions))


@settings(max_examples=100, deadline=None)
@given(st.lists(entity, min_size=1, max_size=8), st.lists(client, max_size=10))
def test_attributes_are_those_of_the_slow_reference(wanted: list[Row], versions: list[Row]) -> None:
    joined = asof.join(entities(wanted), CLIENTS, clients(versions), "client")
    for row, found in zip(wanted, joined.iter_rows(), strict=True):
        same = [version for version in versions if version["client"] == row["client"]]
        one = newest(same, row[AS_OF], None)
        assert close(found[2:], [None if one is None else one["limit"]])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(entity, min_size=1, max_size=6),
    st.lists(statement, max_size=10),
    st.lists(statement, min_size=1, max_size=6),
    st.sampled_from([RECORDED, "dated"]),
)
def test_a_value_from_the_future_changes_no_row(
    wanted: list[Row], versions: list[Row], planted: list[Row], which: str
) -> None:
    latest = max(row[AS_OF] for row in wanted)
    for row in planted:
        row[which] = latest + dt.timedelta(days=1)
    before = asof.join(entities(wanted), STATEMENTS, statements(versions), "client")
    after = asof.join(entities(wanted), STATEMENTS, statements([*planted, *versions]), "client")
    assert after.equals(before)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def bills(versions: Sequence[Row], *moments: str) -> list[float | None]:
    wanted = [{"client": 1, AS_OF: at(moment)} for moment in moments]
    return asof.join(entities(wanted), STATEMENTS, statements(versions), "client")["bill_lag_0"].to_list()


def version(dated: str, recorded: str, bill: int) -> Row:
    return {"client": 1, "dated": at(dated), RECORDED: at(recorded), "bill": bill}


def test_a_late_statement_is_missing_until_it_is_recorded() -> None:
    late = [version("2005-04-30", "2005-05-20", 7)]
    assert bills(late, "2005-05-01") == [None]
    wanted = entities([{"client": 1, AS_OF: at("2005-06-01")}])
    assert asof.join(wanted, STATEMENTS, statements(late), "client")["bill_lag_1"].to_list() == [7]


def test_a_correction_counts_from_when_it_was_recorded() -> None:
    both = [version("2005-04-30", "2005-05-10", 8), version("2005-04-30", "2005-04-30", 7)]
    assert bills(both, "2005-05-01", "2005-04-30") == [7, 7]
    may = entities([{"client": 1, AS_OF: at("2005-05-31")}, {"client": 1, AS_OF: at("2005-06-01")}])
    joined = asof.join(may, STATEMENTS, statements(both), "client")
    assert joined["bill_lag_1"].to_list() == [8, 8]


def test_of_two_recorded_at_once_the_later_in_the_log_counts() -> None:
    both = [version("2005-04-30", "2005-04-30", 7), version("2005-04-30", "2005-04-30", 8)]
    assert bills(both, "2005-05-01") == [8]


def test_a_newer_recording_dated_earlier_wins_over_an_older_one_dated_later() -> None:
    both = [version("2005-04-30", "2005-04-10", 7), version("2005-04-20", "2005-04-15", 8)]
    assert bills(both, "2005-04-25", "2005-05-01") == [8, 8]


def test_an_entity_nothing_is_known_of_keeps_its_row() -> None:
    assert bills([], "2005-05-01") == [None]
