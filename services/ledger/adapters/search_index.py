"""The search index in SQL: SQLite beside the log, or the log's PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from assay.database import AppliedIndex, create, reading
from services.ledger.searching import Terms, Wanted

_LAST: Final = "\U0010ffff"  # sorts after every text with the same prefix
_BYTEWISE: Final = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # as SQLite compares
_METADATA: Final = sa.MetaData()
_ENTRY: Final = sa.Table(
    "search_entry",
    _METADATA,
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("about", _BYTEWISE, nullable=False),
    sa.Column("tenant", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
)
_SUBJECT: Final = sa.Table(
    "search_subject",
    _METADATA,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
)
sa.Index("search_entry_kind", _ENTRY.c.kind, _ENTRY.c.idx)
sa.Index("search_entry_about", _ENTRY.c.about, _ENTRY.c.idx)


def url_of(database_url: str, data_dir: Path) -> str:
    """Return where the index of a log is kept: beside an SQLite log, in a PostgreSQL one's database."""
    if sa.make_url(database_url).get_backend_name() == "sqlite":
        return f"sqlite:///{data_dir}/search.db"
    return database_url


class SqlIndex:
    """See `services.ledger.searching.Index`."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._applied = AppliedIndex(database, "search")
        create(database, _METADATA)

    def applied(self) -> int:
        """See `Index.applied`."""
        return self._applied.get()

    def last(self) -> str | None:
        """See `Index.last`."""
        with reading(self._database) as connection:
            return connection.scalar(sa.select(_ENTRY.c.digest).order_by(_ENTRY.c.idx.desc()).limit(1))

    def clear(self) -> None:
        """See `Index.clear`."""
        with self._database.begin() as connection:
            connection.execute(_SUBJECT.delete())
            connection.execute(_ENTRY.delete())
            self._applied.set(connection, 0)

    def take(self, terms: Sequence[Terms], first: int) -> None:
        """See `Index.take`."""
        entries = [
            {
                "idx": index,
                "time_ms": one.time_ms,
                "kind": one.kind,
                "about": one.about,
                "tenant": one.tenant,
                "digest": one.digest,
            }
            for index, one in enumerate(terms, first)
        ]
        subjects = [
            {"subject": subject, "idx": index}
            for index, one in enumerate(terms, first)
            for subject in one.subjects
        ]
        with self._database.begin() as connection:
            connection.execute(_ENTRY.insert(), entries)
            connection.execute(_SUBJECT.insert(), subjects)
            self._applied.set(connection, first + len(terms))

    def find(self, wanted: Wanted) -> list[int]:
        """See `Index.find`."""
        asked = sa.select(_ENTRY.c.idx).where(_ENTRY.c.idx >= wanted.start)
        if wanted.subject is not None:
            asked = asked.join(_SUBJECT, _SUBJECT.c.idx == _ENTRY.c.idx).where(
                _SUBJECT.c.subject == wanted.subject
            )
        if wanted.kind is not None:
            asked = asked.where(_ENTRY.c.kind == wanted.kind.value)
        if wanted.about is not None:
            asked = asked.where(_ENTRY.c.about == wanted.about)
        if wanted.about_prefix:
            asked = asked.where(
                _ENTRY.c.about >= wanted.about_prefix, _ENTRY.c.about < wanted.about_prefix + _LAST
            )
        if wanted.tenant is not None:
            asked = asked.where(_ENTRY.c.tenant == wanted.tenant)
        if wanted.since_ms is not None:
            asked = asked.where(_ENTRY.c.time_ms >= wanted.since_ms)
        if wanted.until_ms is not None:
            asked = asked.where(_ENTRY.c.time_ms < wanted.until_ms)
        with reading(self._database) as connection:
            return list(connection.scalars(asked.order_by(_ENTRY.c.idx).limit(wanted.limit)))
