"""What features asks of others, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl
import pyarrow as pa

from assay.ledger import Record
from services.features.definition import Definition


class Snapshots(Protocol):
    """Batches as ingestion keeps them, decrypted in memory only."""

    def table(self, batch: Record, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a batch, from exactly the bytes its fact names."""


class PointInTime(Protocol):
    """The feature engine; slow to load."""

    def define(self, view: str, definition: Definition) -> None:
        """Make the view known to the engine; raises BadDefinition when it cannot be."""

    def retrieve(
        self, view: str, definition: Definition, rows: pl.DataFrame, versions: Mapping[str, pl.DataFrame]
    ) -> pl.DataFrame:
        """Return entity rows with the view's features as they were known; `versions` by data set."""


class SplitIndex(Protocol):
    """The projection of feature-set facts: convenient, never believed without the fact."""

    def holding(self, digest: str) -> str | None:
        """Return the fact of the feature set one of whose splits is this ciphertext."""
