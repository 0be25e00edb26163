"""The public data set as a feature set's rows: six months of statements beside each client."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

DATA: Final = Path(__file__).parents[3] / "pipelines" / "credit_default" / "data"
CLIENT: Final = ("credit_limit", "sex", "education", "marital_status", "age")
MONTHLY: Final = ("payment_status", "bill_amount", "paid_amount")


def credit_rows() -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Return train rows, held-out rows (every fifth client) and the features' names."""
    rows = pl.read_parquet(DATA / "clients.parquet")
    statements = pl.read_parquet(DATA / "statements.parquet")
    dates = sorted(statements["statement_date"].unique().to_list(), reverse=True)
    for lag, date in enumerate(dates):
        month = statements.filter(pl.col("statement_date") == date)
        named = [pl.col(name).alias(f"{name}_lag_{lag}") for name in MONTHLY]
        rows = rows.join(month.select("client_id", *named), on="client_id", how="left")
    names = (*CLIENT, *(f"{name}_lag_{lag}" for lag in range(len(dates)) for name in MONTHLY))
    label = pl.col("default_next_month").cast(pl.Int8).alias("label")
    wide = rows.select("client_id", *[pl.col(name).cast(pl.Float32) for name in names], label)
    held_out = pl.col("client_id") % 5 == 0
    return wide.filter(~held_out), wide.filter(held_out), names
