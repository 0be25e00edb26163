"""What ingestion asks of engines and stores, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from services.ingestion.domain import BatchRow


class Expectations(Protocol):
    """Judges tables by suites in Great Expectations' JSON; slow to load and slow to answer."""

    def check(self, suite: Mapping[str, Any]) -> None:
        """Raise BadContract unless every expectation of the suite is one the engine knows, well-formed."""

    def judge(self, table: pa.Table, suite: Mapping[str, Any]) -> dict[str, Any]:
        """Return the suite's COMPLETE result on a table; rows are numbered from 0."""


class Batches(Protocol):
    """The projection of batch facts: convenient, never believed without the fact."""

    def of(self, tenant: str, dataset: str) -> Sequence[BatchRow]:
        """Return a tenant's data set's batches in log order."""

    def holding(self, tenant: str, digest: str) -> BatchRow | None:
        """Return the tenant's batch whose snapshot is this ciphertext."""
