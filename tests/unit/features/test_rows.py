from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from services.features import rows, split
from services.features.asof import ORDER, RECORDED
from services.features.definition import Definition
from services.features.errors import BadFeatureSet, NothingToLearn

KEY = "client_id"
DATES = [dt.date(2005, 8, 1), dt.date(2005, 9, 1), dt.date(2005, 10, 1)]
DEFINITION = Definition.parse(
    {
        "entity": {"name": "client", "key": KEY},
        "sources": [{"dataset": "clients", "columns": ["age"]}],
        "months_ahead": True,
        "missing": -1.0,
    }
)


def clients(labels: list[int | None]) -> pl.DataFrame:
    count = len(labels)
    known = dt.datetime.fromisoformat("2005-04-01")
    return rows.in_order(
        [pl.DataFrame({KEY: list(range(count)), "default": labels, RECORDED: [known] * count})]
    )


def table(count: int) -> pl.DataFrame:
    found = rows.labels(clients([one % 2 for one in range(count)]), KEY, "default")
    entities = rows.entity_rows(found, DATES, DATES[-1]).with_columns(pl.lit(None).alias("age"))
    return rows.finished(entities, DEFINITION)


def test_every_labelled_entity_stands_at_every_date_with_the_months_to_its_label() -> None:
    made = table(4)
    assert made.columns == [KEY, "as_of", "age", "months_ahead", "label"]
    assert made.filter(pl.col(KEY) == 1)["months_ahead"].to_list() == [2.0, 1.0, 0.0]
    assert made["as_of"].unique().sort().to_list() == DATES
    assert made.filter(pl.col(KEY) == 1)["label"].to_list() == [1, 1, 1]


def test_a_model_sees_float32_without_nulls() -> None:
    made = table(4)
    assert made.schema["age"] == pl.Float32
    assert made["age"].to_list() == [-1.0] * 12


def test_the_newest_recorded_label_counts_and_an_unknown_one_makes_no_row() -> None:
    early, late = clients([0, 1, None]), clients([1])
    late = late.drop(ORDER).with_columns(pl.col(RECORDED) + pl.duration(days=1))
    both = rows.in_order([late, early.drop(ORDER)])
    assert rows.labels(both, KEY, "default").rows() == [(0, 1), (1, 1)]


def test_a_label_that_is_no_class_is_refused() -> None:
    with pytest.raises(BadFeatureSet, match="not 0 or 1"):
        rows.labels(clients([0, 2]), KEY, "default")


def test_no_entity_is_in_both_splits_and_held_out_rows_are_of_the_last_date() -> None:
    parts = split.parted(table(500), KEY, b"secret")
    train, test = parts[split.TRAIN], parts[split.TEST]
    assert not set(train[KEY]) & set(test[KEY])
    assert set(train[KEY]) | set(test[KEY]) == set(range(500))
    assert set(test["as_of"]) == {DATES[-1]}
    assert set(train["as_of"]) == set(DATES)
    assert 50 < test.height < 150


def test_who_is_held_out_depends_on_the_secret_and_on_the_entity_alone() -> None:
    ids = list(range(300))
    chosen = split.held_out(ids, b"secret")
    assert split.held_out(ids[::-1], b"secret")[::-1] == chosen
    assert split.held_out(ids, b"another") != chosen


def test_a_split_without_rows_is_refused() -> None:
    with pytest.raises(NothingToLearn, match="split has no row"):
        split.parted(table(1), KEY, b"secret")
