"""Who is held out: a keyed, stable choice by entity, so that no entity is ever in both splits.

The choice depends on the entity's id and the tenant's split secret alone: the same entity is held out from
every feature set of the tenant, whatever its dates, and nobody without the secret can tell which one it is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import polars as pl

from services.features.errors import NothingToLearn
from services.features.rows import DATE

TRAIN: Final = "train"
TEST: Final = "test"
SPLITS: Final = (TRAIN, TEST)
TRAIN_SHARE: Final = 0.8
_RANGE: Final = 1 << 64


def parted(rows: pl.DataFrame, key: str, secret: bytes) -> dict[str, pl.DataFrame]:
    """Return each split's rows: held-out entities at the last date only, the others at every date.

    Raises:
        NothingToLearn: a split has no row.
    """
    ids = rows[key].unique(maintain_order=True)
    out = pl.DataFrame({key: ids, "_out": held_out(ids.to_list(), secret)})
    marked = rows.join(out, on=key, how="left", maintain_order="left")
    last = pl.col(DATE) == pl.col(DATE).max()
    found = {
        TRAIN: marked.filter(~pl.col("_out")).drop("_out"),
        TEST: marked.filter(pl.col("_out") & last).drop("_out"),
    }
    empty = next((name for name in SPLITS if found[name].is_empty()), None)
    if empty is not None:
        raise NothingToLearn(f"the {empty} split has no row")
    return found


def held_out(ids: Sequence[int | str], secret: bytes) -> list[bool]:
    """Say of each entity id whether it is in the test split."""
    limit = int(TRAIN_SHARE * _RANGE)
    return [_place(str(one), secret) >= limit for one in ids]


def _place(text: str, secret: bytes) -> int:
    return int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256)[:8], "big")
