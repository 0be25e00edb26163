"""A log's rows in PostgreSQL: one connection that writes and holds the advisory lock of the log's leader.

The lock ends with that connection, so who lost it cannot commit on it; and should two processes write all the same,
`idx` is the primary key: of two commits at one place one fails, and its process starts again. `about` is kept as bytes:
no collation and no character that text cannot hold comes between an entry and its place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import sql

from services.ledger.errors import StoreFailed, StoreFenced, StoreInUse, StoreMissing
from services.ledger.ports import Row

LEADER: Final = 0x4153534159  # the advisory lock of a database's one log
TAKING_OVER: Final = "5s"  # for a database to hear of the end of whoever led before
_TABLES: Final = """
CREATE TABLE entry (
  idx bigint PRIMARY KEY, digest bytea NOT NULL UNIQUE, kind text NOT NULL, about bytea NOT NULL, body bytea NOT NULL
);
ALTER TABLE entry ALTER body SET STORAGE EXTERNAL;
CREATE TABLE checkpoint (size bigint PRIMARY KEY, note text NOT NULL);
CREATE FUNCTION only_grow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'entries only grow'; END $$;
CREATE TRIGGER entry_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION only_grow();
"""
_INSERT: Final = (
    "INSERT INTO entry (idx, digest, kind, about, body) "
    "SELECT * FROM unnest(%b::bigint[], %b::bytea[], %b::text[], %b::bytea[], %b::bytea[])"
)
_NOTE: Final = "INSERT INTO checkpoint VALUES (%s, %s) ON CONFLICT (size) DO UPDATE SET note = excluded.note"
_PAGE: Final = 1000


class PostgresRows:
    """The database of one log; see `Rows`. `conninfo` is libpq's."""

    def __init__(self, conninfo: str, *, create: bool) -> None:
        self._conninfo = conninfo
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._writer = _connect(conninfo)
        try:
            _lead(self._writer)
            _prepare(self._writer, create=create)
            self._reader = _connect(conninfo, read_only=True)
        except psycopg.Error as error:
            self._writer.close()
            raise StoreFailed(f"the database is no store: {error}") from error
        except Exception:
            self._writer.close()
            raise

    def commit(self, batch: Sequence[Row]) -> None:
        """See `Rows.commit`; raises StoreFenced when another process wrote one of these places."""
        columns: list[list[Any]] = [list(column) for column in zip(*batch, strict=True)]
        columns[3] = [about.encode() for about in columns[3]]
        with self._writing:
            try:
                with self._writer.pipeline():
                    self._writer.execute("BEGIN")
                    self._writer.execute(_INSERT, columns, prepare=True)
                    self._writer.execute("COMMIT")
            except psycopg.errors.UniqueViolation as error:
                self._roll_back()
                raise StoreFenced(f"another process wrote at entry {batch[0].position}") from error
            except psycopg.Error as error:
                self._roll_back()
                raise StoreFailed(f"the store refused a commit: {error}") from error

    def save_note(self, size: int, note: str) -> None:
        """See `Rows.save_note`."""
        with self._writing:
            try:
                self._writer.execute(_NOTE, (size, note))
            except psycopg.Error as error:
                raise StoreFailed(f"the store refused a checkpoint: {error}") from error

    def size(self) -> int:
        """See `Rows.size`."""
        return int(self._all("SELECT coalesce(max(idx) + 1, 0) FROM entry")[0][0])

    def find(self, digest: bytes) -> int | None:
        """See `Rows.find`."""
        found = self._all("SELECT idx FROM entry WHERE digest = %b", digest)
        return int(found[0][0]) if found else None

    def bodies(self, start: int, limit: int) -> list[bytes]:
        """See `Rows.bodies`."""
        query = "SELECT body FROM entry WHERE idx >= %s AND idx < %s ORDER BY idx"
        return [bytes(body) for (body,) in self._all(query, start, start + limit)]

    def stored(self) -> Iterator[Row]:
        """See `Rows.stored`."""
        query = "SELECT idx, digest, kind, about, body FROM entry WHERE idx >= %s ORDER BY idx LIMIT %s"
        start = 0
        while page := self._all(query, start, _PAGE):
            for index, digest, kind, about, body in page:
                yield Row(int(index), bytes(digest), str(kind), bytes(about).decode(), bytes(body))
            start = int(page[-1][0]) + 1

    def last_note(self) -> str | None:
        """See `Rows.last_note`."""
        found = self._all("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return str(found[0][0]) if found else None

    def close(self) -> None:
        """Close both connections, the lock given back first: the server may end a session later than it is told."""
        with self._writing, self._reading:
            self._reader.close()
            with suppress(psycopg.Error):  # the connection is lost, and the lock with it
                self._writer.rollback()
                self._writer.execute("SELECT pg_advisory_unlock(%s)", (LEADER,))
                self._writer.commit()
            self._writer.close()

    def _roll_back(self) -> None:
        try:
            self._writer.rollback()
        except psycopg.Error:  # the connection is lost, and what it did not commit with it
            self._writer.close()

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._reading:
            try:
                if self._reader.closed:  # the server was restarted: reading may go on, writing may not
                    self._reader = _connect(self._conninfo, read_only=True)
                return self._reader.execute(query.encode(), values).fetchall()
            except psycopg.Error as error:
                raise StoreFailed(f"the store could not be read: {error}") from error


def _connect(conninfo: str, *, read_only: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=10)
        connection.execute("SET synchronous_commit = on")
        connection.read_only = read_only
    except psycopg.Error as error:
        raise StoreFailed(f"the database does not answer: {error}") from error
    return connection


def _lead(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Become the log's one writer; raises StoreInUse.

    Waits a little: of a writer that was killed the database hears when it next looks at its connection.
    """
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (TAKING_OVER,))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (LEADER,))
    except psycopg.errors.LockNotAvailable as error:
        raise StoreInUse("another process leads the log of this database") from error
    connection.execute("RESET lock_timeout")


def _prepare(connection: psycopg.Connection[tuple[Any, ...]], *, create: bool) -> None:
    if connection.execute("SHOW fsync").fetchone() != ("on",):
        raise StoreFailed("the database runs with fsync off: it would acknowledge what it can lose")
    if connection.execute("SELECT to_regclass('entry')").fetchone() != (None,):
        return
    if not create:
        raise StoreMissing("there is no ledger in this database")
    with connection.transaction():
        connection.execute(sql.SQL(_TABLES))
