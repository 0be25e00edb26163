"""The projection of batch facts in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assay.contracts import FactKind
from assay.database import AppliedIndex, create, insert_once, reading
from assay.ledger import Record
from services.ingestion.domain import BatchRow

_METADATA = sa.MetaData()
_BATCHES = sa.Table(
    "batches",
    _METADATA,
    sa.Column("fact", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(32), nullable=False),
    sa.Column("index", sa.BigInteger, nullable=False),
    sa.Column("dataset", sa.String(63), nullable=False, index=True),
    sa.Column("batch", sa.String(63), nullable=False),
    sa.Column("snapshot", sa.String(64), nullable=False, index=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
)


class SqlBatches:
    """Every tenant's batches, rebuilt from the ledger when the database is new."""

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database
        self._applied = AppliedIndex(database)

    def applied(self) -> int:
        """Return the next ledger index wanted."""
        return self._applied.get()

    def apply(self, record: Record) -> None:
        """Take one record in, of any kind; the same one again changes nothing."""
        with self._database.begin() as connection:
            if record.kind is FactKind.BATCH:
                values = {**vars(BatchRow.of(record)), "tenant": record.fact.tenant}
                connection.execute(insert_once(_BATCHES, self._database).values(**values))
            self._applied.set(connection, record.index + 1)

    def of(self, tenant: str, dataset: str) -> Sequence[BatchRow]:
        """Return a data set's batches in log order."""
        query = _rows(tenant).where(_BATCHES.c.dataset == dataset).order_by(_BATCHES.c.index)
        with reading(self._database) as connection:
            return [BatchRow(**row) for row in connection.execute(query).mappings()]

    def holding(self, tenant: str, digest: str) -> BatchRow | None:
        """Return the batch whose snapshot is this ciphertext."""
        query = _rows(tenant).where(_BATCHES.c.snapshot == digest)
        with reading(self._database) as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else BatchRow(**row)


def _rows(tenant: str) -> sa.Select[Any]:
    """Return a query of one tenant's rows: every column but the tenant's."""
    columns = [column for column in _BATCHES.columns if column.name != "tenant"]
    return sa.select(*columns).where(_BATCHES.c.tenant == tenant)
