"""The bitemporal as-of join: what was known of an entity at a moment.

A row of a source has an event time (when it happened; statements only) and `recorded_at` (when it became
known). It may be used at `as_of` when both are at or before it. Of the versions of one statement, the newest
recorded among those counts, so a correction replaces what it corrects only from when it was recorded.
Entities nothing is known of keep their row, with nulls. All times are naive and mean UTC.

A version is *known* from the later of its two times. Picking the newest recorded of those known by `as_of` is
not an as-of join on either time alone; but a version is never picked once a newer recorded one is known.
Without those *overtaken* versions, known times rise with recording times, and one as-of join on the known
time is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from services.features.definition import Aggregate, Attributes, Monthly, Source, lag_name

AS_OF: Final = "event_timestamp"  # Feast's name for the moment of an entity row
RECORDED: Final = "recorded_at"
ORDER: Final = "_order"  # the place in the log, breaking ties between equal recording times: later wins
_KNOWN: Final = "_known"
_MONTH: Final = "_month"
_ROW: Final = "_row"
_SEEN: Final = "_seen"
TIME: Final = pl.Datetime("us")


def join(rows: pl.DataFrame, source: Source, versions: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return entity rows, in their order, with a source's features.

    `rows` has `key` and AS_OF; `versions` has `key`, RECORDED, ORDER, the event time and the source's
    columns.
    """
    if isinstance(source, Monthly):
        return _monthly(rows, source, versions, key)
    return _newest(rows, source, versions, key)


def _monthly(rows: pl.DataFrame, source: Monthly, versions: pl.DataFrame, key: str) -> pl.DataFrame:
    known = pl.max_horizontal(RECORDED, source.event_time)
    month = _month_of(pl.col(source.event_time))
    prepared = versions.select(
        key,
        *source.columns,
        pl.col(RECORDED),
        pl.col(ORDER),
        known.alias(_KNOWN),
        month.alias(_MONTH),
        pl.lit(value=True).alias(_SEEN),
    )
    standing = _without_overtaken(prepared, [key, _MONTH])
    wide = rows
    for lag in range(source.months):
        wide = _with_lag(wide, standing, [key, _MONTH], (*source.columns, _SEEN), lag)
    return _summarised(wide, rows.columns, source)


def _newest(rows: pl.DataFrame, source: Attributes, versions: pl.DataFrame, key: str) -> pl.DataFrame:
    prepared = versions.select(key, *source.columns, RECORDED, ORDER, pl.col(RECORDED).alias(_KNOWN))
    standing = _without_overtaken(prepared, [key])
    joined = _as_of_join(rows, standing.select(key, _KNOWN, *source.columns), [key])
    return joined.select(*rows.columns, *(pl.col(column).cast(pl.Float64) for column in source.columns))


def _without_overtaken(versions: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Drop each version that a newer recorded one is known no later than, and what has no time at all."""
    dated = versions.drop_nulls([*by, RECORDED, _KNOWN])
    rivals = pl.struct(by).is_duplicated()  # most statements have one version, and comparing is slow
    newest_first = dated.filter(rivals).sort([RECORDED, ORDER], descending=True)
    earliest_newer = pl.col(_KNOWN).cum_min().shift(1).over(by)
    standing = newest_first.filter(earliest_newer.is_null() | (pl.col(_KNOWN) < earliest_newer))
    return pl.concat([dated.filter(~rivals), standing])


def _with_lag(
    rows: pl.DataFrame, standing: pl.DataFrame, by: Sequence[str], columns: Sequence[str], lag: int
) -> pl.DataFrame:
    last = _month_of(pl.col(AS_OF) - pl.duration(microseconds=1))
    renamed = standing.select(*by, _KNOWN, *(pl.col(name).alias(lag_name(name, lag)) for name in columns))
    return _as_of_join(rows.with_columns((last - lag).alias(_MONTH)), renamed, by).drop(_MONTH)


def _as_of_join(rows: pl.DataFrame, versions: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    joined = (
        rows.with_row_index(_ROW)
        .sort(AS_OF)
        .join_asof(
            versions.sort(_KNOWN),
            left_on=AS_OF,
            right_on=_KNOWN,
            by=list(by),
            strategy="backward",
            check_sortedness=False,  # sorted just above; polars cannot check it within groups
        )
    )
    return joined.sort(_ROW).drop(_ROW, _KNOWN, strict=False)


def _summarised(wide: pl.DataFrame, kept: Sequence[str], source: Monthly) -> pl.DataFrame:
    """Turn the lags of each column into the source's features, in its order."""
    lags = [
        pl.col(lag_name(column, lag)).cast(pl.Float64)
        for column in source.lags
        for lag in range(source.months)
    ]
    aggregates = [
        _aggregate(column, how, source.months)
        for column, wanted in sorted(source.aggregates.items())
        for how in wanted
    ]
    counts = [_count(source.months).alias(source.count)] if source.count is not None else []
    return wide.select(*kept, *lags, *aggregates, *counts)


def _aggregate(column: str, how: Aggregate, months: int) -> pl.Expr:
    """Summarise the months of which something is known; null when nothing is."""
    values = [pl.col(lag_name(column, lag)).cast(pl.Float64) for lag in range(months)]
    if how == "sum":
        found = pl.when(pl.any_horizontal(value.is_not_null() for value in values))
        return found.then(pl.sum_horizontal(values)).alias(f"{column}_{how}")
    expression = {"mean": pl.mean_horizontal, "min": pl.min_horizontal, "max": pl.max_horizontal}[how](values)
    return expression.alias(f"{column}_{how}")


def _count(months: int) -> pl.Expr:
    seen = [pl.col(lag_name(_SEEN, lag)).is_not_null().cast(pl.Float64) for lag in range(months)]
    return pl.sum_horizontal(seen)


def _month_of(moment: pl.Expr) -> pl.Expr:
    """Number calendar months, so that one back is one less."""
    return moment.dt.year().cast(pl.Int32) * 12 + moment.dt.month().cast(pl.Int32)
