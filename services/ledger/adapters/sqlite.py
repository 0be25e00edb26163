"""A log's rows in SQLite: WAL, `synchronous=FULL`, one connection that writes, one that reads.

Entries only grow (triggers hold even against ourselves). A batch is written by few statements of many rows each:
SQLite works on each without Python's lock, and the event loop runs meanwhile.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import Any, Final, TextIO

from services.ledger.errors import StoreFailed, StoreInUse, StoreMissing
from services.ledger.ports import Row

VERSION: Final = 2
TABLES: Final = f"""
BEGIN;
CREATE TABLE entry (
  idx INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, about TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
PRAGMA user_version = {VERSION};
COMMIT;
"""
_AT_ONCE: Final = (256, 32, 4, 1)  # rows a statement: few statements to prepare, few to run
_INSERT: Final = {
    many: f"INSERT INTO entry VALUES {', '.join(['(?, ?, ?, ?, ?)'] * many)}"  # noqa: S608 - placeholders
    for many in _AT_ONCE
}
_PAGE: Final = 1000


class SqliteRows:
    """The store's file; see `Rows`."""

    def __init__(self, path: Path, *, create: bool) -> None:
        if not create and not path.is_file():
            raise StoreMissing(f"there is no ledger at {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        with ExitStack() as undo:
            undo.enter_context(_exclusive(path.with_name(path.name + ".lock")))
            self._writer = undo.enter_context(closing(_writer(path)))
            self._reader = undo.enter_context(
                closing(_connect(path, "PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0"))
            )
            self._open = undo.pop_all()

    def commit(self, batch: Sequence[Row]) -> None:
        """See `Rows.commit`."""
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                insert(self._writer, batch)
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise StoreFailed(f"the store refused a commit: {error}") from error

    def save_note(self, size: int, note: str) -> None:
        """See `Rows.save_note`."""
        with self._writing:
            try:
                self._writer.execute(
                    "INSERT INTO checkpoint VALUES (?, ?) ON CONFLICT (size) DO UPDATE SET note = excluded.note",
                    (size, note),
                )
            except sqlite3.Error as error:
                raise StoreFailed(f"the store refused a checkpoint: {error}") from error

    def size(self) -> int:
        """See `Rows.size`."""
        return int(self._all("SELECT coalesce(max(idx) + 1, 0) FROM entry")[0][0])

    def find(self, digest: bytes) -> int | None:
        """See `Rows.find`."""
        found = self._all("SELECT idx FROM entry WHERE digest = ?", digest)
        return int(found[0][0]) if found else None

    def bodies(self, start: int, limit: int) -> list[bytes]:
        """See `Rows.bodies`."""
        rows = self._all(
            "SELECT body FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", start, start + limit
        )
        return [bytes(body) for (body,) in rows]

    def stored(self) -> Iterator[Row]:
        """See `Rows.stored`."""
        start = 0
        while page := self._all(
            "SELECT idx, digest, kind, about, body FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?",
            start,
            _PAGE,
        ):
            yield from map(Row._make, page)
            start = int(page[-1][0]) + 1

    def last_note(self) -> str | None:
        """See `Rows.last_note`."""
        found = self._all("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return str(found[0][0]) if found else None

    def close(self) -> None:
        """Close both connections and let another process open the store."""
        with self._writing, self._reading:
            self._open.close()

    def _roll_back(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except (
            sqlite3.Error
        ):  # the connection is lost: SQLite itself rolls back when the store is next opened
            self._writer.close()

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._reading:
            try:
                return self._reader.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StoreFailed(f"the store could not be read: {error}") from error


def insert(connection: sqlite3.Connection, batch: Sequence[Row]) -> None:
    """Insert rows, many a statement."""
    start = 0
    while start < len(batch):
        many = next(size for size in _AT_ONCE if size <= len(batch) - start)
        connection.execute(_INSERT[many], tuple(chain.from_iterable(batch[start : start + many])))
        start += many


def _writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes; a new file gets its tables."""
    connection = _connect(path, "PRAGMA wal_autocheckpoint=8000")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.executescript(TABLES)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise StoreFailed(f"{path} is no store: {error}") from error
    if version != VERSION:
        connection.close()
        raise StoreFailed(
            f"{path} is a store of version {version}, not {VERSION}",
            fix="open it with the version of Assay that made it",
        )
    return connection


def _connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
    try:
        for pragma in ("PRAGMA page_size=8192", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            connection.execute(pragma)
        for pragma in ("PRAGMA fullfsync=ON", "PRAGMA checkpoint_fullfsync=ON", *pragmas):
            connection.execute(pragma)
    except sqlite3.Error as error:
        connection.close()
        raise StoreFailed(f"{path} is no store: {error}") from error
    return connection


def _exclusive(path: Path) -> TextIO:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreInUse(f"another process holds {path}") from error
    return file
