"""Where a service keeps its projections: an engine that keeps what it acknowledged, and how far it read.

SQLite here (WAL, `synchronous=FULL`); PostgreSQL by URL. Everything in it can be deleted and is rebuilt
from facts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

BUSY_SECONDS: Final = 30
Engine = sa.Engine
_READ_ONLY: Final = {"assay_reading": True}


def engine(url: str) -> sa.Engine:
    """Return an engine for `url`; a SQLite file is created with its folder, readable by its owner alone.

    Writing transactions (`engine.begin()`) take SQLite's write lock at their start, so none fails half way
    because another wrote first; use `reading` where nothing is written.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        _make_private(Path(parsed.database))
    made = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    sa.event.listen(made, "connect", _configure)
    sa.event.listen(made, "begin", _begin)
    return made


@contextmanager
def reading(database: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection for reading one consistent state; it never waits for a writer."""
    with database.connect().execution_options(**_READ_ONLY) as connection:
        yield connection


def create(database: sa.Engine, metadata: sa.MetaData) -> None:
    """Create the tables that are missing."""
    metadata.create_all(database)


def insert_once(table: sa.Table, database: sa.Engine) -> Any:  # noqa: ANN401 - each dialect has its own type
    """Return an INSERT that leaves an existing row alone, for SQLite and PostgreSQL."""
    if database.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()


class AppliedIndex:
    """The next ledger index a projection wants; moves in the same transaction as the rows it explains."""

    def __init__(self, database: sa.Engine, name: str = "ledger") -> None:
        self._database = database
        self._name = name
        metadata = sa.MetaData()
        self._table = sa.Table(
            "applied_index",
            metadata,
            sa.Column("name", sa.String, primary_key=True),
            sa.Column("next", sa.BigInteger, nullable=False),
        )
        create(database, metadata)

    def get(self) -> int:
        """Return the next index wanted: 0 for a new database."""
        with reading(self._database) as connection:
            found = connection.scalar(sa.select(self._table.c.next).where(self._table.c.name == self._name))
        return int(found or 0)

    def set(self, connection: sa.Connection, n: int) -> None:
        """Say, inside the projection's own transaction, that `n` is the next index wanted."""
        ours = self._table.c.name == self._name
        moved = connection.execute(self._table.update().where(ours).values(next=n))
        if moved.rowcount == 0:
            connection.execute(self._table.insert().values(name=self._name, next=n))


def _make_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event starts every transaction
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    plain = connection.get_execution_options().get("assay_reading", False)
    connection.exec_driver_sql("BEGIN" if plain else "BEGIN IMMEDIATE")
