"""A feature set's rows: which entity at which date, what was known of it, and with what label."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from services.features.asof import AS_OF, ORDER, RECORDED, TIME
from services.features.definition import MONTHS_AHEAD, Definition
from services.features.errors import BadFeatureSet

LABEL: Final = "label"
DATE: Final = "as_of"
_CLASSES: Final = {0, 1}


def in_order(batches: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of batches given in log order, numbered so that the later of two equals wins."""
    together = pl.concat(batches, how="vertical_relaxed")
    times = [name for name, kind in together.schema.items() if kind.is_temporal()]
    return together.with_columns(pl.col(times).cast(TIME)).with_row_index(ORDER)


def labels(versions: pl.DataFrame, key: str, column: str) -> pl.DataFrame:
    """Return the newest recorded label of each entity that has one: `key` and LABEL (Int8, 0 or 1).

    Raises:
        BadFeatureSet: the label is not 0 or 1.
    """
    newest = versions.drop_nulls([key]).sort(RECORDED, ORDER).unique(key, keep="last", maintain_order=True)
    found = newest.select(key, pl.col(column).alias(LABEL)).drop_nulls()
    if not found.schema[LABEL].is_integer() or not set(found[LABEL].unique()) <= _CLASSES:
        raise BadFeatureSet(f"label.column: {column} is not 0 or 1 in every row")
    return found.with_columns(pl.col(LABEL).cast(pl.Int8)).sort(key)


def entity_rows(found: pl.DataFrame, dates: Sequence[date], label_date: date) -> pl.DataFrame:
    """Return every labelled entity at every date, with how many months the label lies ahead."""
    ahead = [(label_date.year - day.year) * 12 + label_date.month - day.month for day in dates]
    moments = pl.DataFrame({AS_OF: list(dates), MONTHS_AHEAD: ahead}).with_columns(
        pl.col(AS_OF).cast(TIME), pl.col(MONTHS_AHEAD).cast(pl.Float64)
    )
    return found.join(moments, how="cross")


def finished(wide: pl.DataFrame, definition: Definition) -> pl.DataFrame:
    """Return key, as-of date, features as float32 in a model's order without nulls, and label."""
    features = [
        pl.col(name).cast(pl.Float32).fill_nan(None).fill_null(definition.missing).alias(name)
        for name in definition.features
    ]
    return wide.select(definition.entity.key, pl.col(AS_OF).cast(pl.Date).alias(DATE), *features, LABEL)
