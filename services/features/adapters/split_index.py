"""The projection of feature-set facts in SQL: which fact each split's ciphertext belongs to."""

from __future__ import annotations

import sqlalchemy as sa

from assay.contracts import FactKind, FeatureSet, body_of
from assay.database import AppliedIndex, create, insert_once, reading
from assay.ledger import Record

_METADATA = sa.MetaData()
_SPLITS = sa.Table(
    "splits",
    _METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("split", sa.String(63), nullable=False),
    sa.Column("fact", sa.String(64), nullable=False),
)


class SqlSplitIndex:
    """Every tenant's splits, rebuilt from the ledger when the database is new."""

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
            if record.kind is FactKind.FEATURE_SET:
                for split, digest in body_of(record.fact, FeatureSet).splits.items():
                    row = {"digest": digest, "split": split, "fact": record.digest}
                    connection.execute(insert_once(_SPLITS, self._database).values(**row))
            self._applied.set(connection, record.index + 1)

    def holding(self, digest: str) -> str | None:
        """Return the fact of the feature set one of whose splits is this ciphertext."""
        query = sa.select(_SPLITS.c.fact).where(_SPLITS.c.digest == digest)
        with reading(self._database) as connection:
            found = connection.scalar(query)
        return None if found is None else str(found)
