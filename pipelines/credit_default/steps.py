"""The pure steps: files in, bytes and plain values out. No session, no Dagster, no clock."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.credit_default import synthetic

HERE = Path(__file__).parent
MODEL = "credit-default"
VIEW = "credit_features"
PURPOSE = "credit-scoring"  # what the clients' contract allows their data to be used for
CLIENTS_KNOWN = "2005-04-01T00:00:00Z"  # clients were known before the first statement
AS_OF = ("2005-08-01", "2005-09-01", "2005-10-01")
LABEL = {"dataset": "clients", "column": "default_next_month"}
PARAMETERS = {"epochs": 12, "learning_rate": 0.003, "batch_size": 512, "seed": 7}


@cache
def contract(dataset: str) -> dict[str, Any]:
    """Return a data set's contract: suite, schema and tags."""
    return dict(json.loads((HERE / "suites" / f"{dataset}.json").read_text()))


def view() -> dict[str, Any]:
    """Return the definition of the feature view."""
    return dict(json.loads((HERE / "view.json").read_text()))


def clients() -> bytes:
    """Return the clients with synthetic identifiers, as Parquet."""
    return parquet(synthetic.with_identifiers(pl.read_parquet(HERE / "data" / "clients.parquet")))


def statements() -> list[tuple[str, bytes]]:
    """Return six monthly batches, with late, corrected, broken and planted rows, as Parquet."""
    months = synthetic.monthly(synthetic.recorded(pl.read_parquet(HERE / "data" / "statements.parquet")))
    first, last = months[0], months[-1]
    months[0] = (first[0], synthetic.broken(first[1]))
    months[-1] = (last[0], synthetic.from_the_future(last[1]))
    return [(month, parquet(rows)) for month, rows in months]


def source() -> dict[str, str]:
    """Return the training code as it is posted."""
    return {"train.py": (HERE / "train.py").read_text()}


def parquet(table: pl.DataFrame) -> bytes:
    """Return a table as Parquet bytes, the same for the same rows."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()
