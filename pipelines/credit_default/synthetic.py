"""What the public data set lacks, made with a fixed seed and called synthetic.

- direct identifiers (name, e-mail, phone, IBAN, card number), so that tagging and encryption have something to do;
- when each statement was recorded: most the day after, some weeks late, some corrected after a first wrong entry;
- a handful of broken rows for the quarantine;
- planted rows from the future, which no point-in-time feature may use.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

SEED = 20051001
LATE_SHARE = 0.02
CORRECTED_SHARE = 0.01
FUTURE_BILL = 999_999_999  # NT$; far outside anything real, so one use of it would show
FUTURE_CLIENTS = range(1, 51)

FIRST = (
    "Mei",
    "Wei",
    "Ling",
    "Jun",
    "Hao",
    "Ying",
    "Chen",
    "Fang",
    "Kai",
    "Lan",
    "Ming",
    "Pei",
    "Rui",
    "Shu",
)
LAST = (
    "Synthetica",
    "Fictiva",
    "Imaginara",
    "Inventada",
    "Ersatz",
    "Placidus",
    "Novella",
    "Fabula",
    "Mockingham",
)


def with_identifiers(clients: pl.DataFrame) -> pl.DataFrame:
    """Add synthetic direct identifiers, one set per client, the same at every run."""
    rng = np.random.default_rng(SEED)
    count = clients.height
    first, last = rng.choice(FIRST, count), rng.choice(LAST, count)
    serial = clients["client_id"].to_numpy()
    names = [f"{a} {b}" for a, b in zip(first, last, strict=True)]
    mails = [f"{a}.{b}.{n}@synthetic.example".lower() for a, b, n in zip(first, last, serial, strict=True)]
    digits = rng.integers(0, 10, (count, 30))
    return clients.with_columns(
        pl.Series("name", names),
        pl.Series("email", mails),
        pl.Series("phone", ["+8869" + _text(row[:8]) for row in digits]),
        pl.Series("iban", [_iban(_text(row[8:24])) for row in digits]),
        pl.Series("card_number", [_luhn("400000" + _text(row[15:24])) for row in digits]),
    )


def recorded(statements: pl.DataFrame) -> pl.DataFrame:
    """Add `recorded_at`: late entries, and first wrong entries followed by their correction."""
    rng = np.random.default_rng(SEED + 1)
    delays = np.where(rng.random(statements.height) < LATE_SHARE, rng.integers(20, 45, statements.height), 1)
    dated = statements.with_columns(
        (pl.col("statement_date") + pl.Series(delays) * pl.duration(days=1)).alias("recorded_at")
    )
    corrected = pl.Series(rng.random(statements.height) < CORRECTED_SHARE)
    first_entries = dated.filter(corrected).with_columns(
        (pl.col("bill_amount") * 10 + 1).alias("bill_amount")
    )
    corrections = dated.with_columns(
        pl.when(corrected)
        .then(pl.col("recorded_at") + pl.duration(days=10))
        .otherwise(pl.col("recorded_at"))
        .alias("recorded_at")
    )
    return pl.concat([corrections, first_entries]).sort("recorded_at", "client_id")


def monthly(statements: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Split recorded statements into one batch per statement month: ("2005-04", rows) and so on."""
    month = statements["statement_date"].dt.strftime("%Y-%m")
    return [(name, statements.filter(month == name)) for name in sorted(set(month.to_list()))]


def broken(batch: pl.DataFrame) -> pl.DataFrame:
    """Append a few rows that no contract admits."""
    bad = batch.head(5).with_columns(
        pl.Series("payment_status", [99, 99, 0, 0, 0], dtype=batch["payment_status"].dtype),
        pl.Series("paid_amount", [0, 0, -1, -1, -1], dtype=batch["paid_amount"].dtype),
    )
    return pl.concat([batch, bad])


def from_the_future(batch: pl.DataFrame) -> pl.DataFrame:
    """Append corrections recorded after every as-of date: a feature that uses one would show an absurd bill."""
    planted = (
        batch.filter(pl.col("client_id").is_in(list(FUTURE_CLIENTS)))
        .unique("client_id", keep="first", maintain_order=True)
        .with_columns(
            pl.lit(FUTURE_BILL, dtype=batch["bill_amount"].dtype).alias("bill_amount"),
            pl.lit(dt.datetime(2005, 11, 15)).alias("recorded_at"),  # noqa: DTZ001 - the data has no time zone
        )
    )
    return pl.concat([batch, planted.select(batch.columns)])


def _text(digits: np.ndarray) -> str:
    return "".join(map(str, digits))


def _iban(account: str) -> str:
    """An IBAN of the user-assigned country XX with right check digits: valid in form, of no bank."""
    number = int(account + "333300")
    return f"XX{98 - number % 97:02d}{account}"


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - Luhn's own
    return body + str(-total % 10)
