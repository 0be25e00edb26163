"""The log's rows in SQLite: WAL, `synchronous=FULL`, one connection that writes, one that reads.

`entry` and `digest` only grow (triggers hold even against ourselves). Everything but `entry` and the signed
notes can be recomputed from them, and is compared at start.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from services.ledger.errors import StoreFailed, StoreInUse, StoreMissing

_TABLES: Final = """
BEGIN;
CREATE TABLE entry (idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, about TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX entry_about ON entry (about);
CREATE INDEX entry_kind ON entry (kind);
CREATE TABLE digest (digest BLOB PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE head (about TEXT PRIMARY KEY, idx INTEGER NOT NULL, digest BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE revoked (key BLOB PRIMARY KEY, digest BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER digest_update BEFORE UPDATE ON digest BEGIN SELECT RAISE(ABORT, 'digests only grow'); END;
CREATE TRIGGER digest_delete BEFORE DELETE ON digest BEGIN SELECT RAISE(ABORT, 'digests only grow'); END;
COMMIT;
"""
_PAGE: Final = 1000


class Row(NamedTuple):
    """An entry as it is stored: `body` is the canonical envelope."""

    position: int
    kind: str
    about: str
    body: bytes


@dataclass(frozen=True)
class Batch:
    """What one commit makes durable: entries, their facts' digests, and what they revoke.

    `revoked` gives the revoking fact's digest for each key; None ends the revocation.
    """

    rows: Sequence[Row]
    digests: Sequence[bytes]
    revoked: Sequence[tuple[bytes, bytes | None]]


class Rows:
    """The store's file. Writes come from the log's one writer; reads from any thread."""

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

    def commit(self, batch: Batch) -> None:
        """Make a batch durable, all or nothing; raises StoreFailed."""
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                self._write(batch)
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise StoreFailed(f"the store refused a commit: {error}") from error

    def save_note(self, size: int, note: str) -> None:
        """Keep the newest note of a size, durably; raises StoreFailed."""
        with self._writing:
            try:
                self._writer.execute(
                    "INSERT INTO checkpoint VALUES (?, ?) ON CONFLICT (size) DO UPDATE SET note = excluded.note",
                    (size, note),
                )
            except sqlite3.Error as error:
                raise StoreFailed(f"the store refused a checkpoint: {error}") from error

    def size(self) -> int:
        """Return one past the last entry's index."""
        return int(self._all("SELECT coalesce(max(idx) + 1, 0) FROM entry")[0][0])

    def find(self, digest: bytes) -> int | None:
        """Return the index of a fact."""
        found = self._all("SELECT idx FROM digest WHERE digest = ?", digest)
        return int(found[0][0]) if found else None

    def bodies(self, start: int, limit: int) -> list[bytes]:
        """Return envelopes in order, as far as there are any."""
        rows = self._all(
            "SELECT body FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", start, start + limit
        )
        return [bytes(body) for (body,) in rows]

    def search(self, kind: str | None, about_prefix: str, start: int, limit: int) -> list[tuple[int, bytes]]:
        """Return index and envelope of entries of a kind whose `about` has a prefix, in log order."""
        rows = self._all(
            "SELECT idx, body FROM entry WHERE idx >= ? AND about >= ? AND about < ? AND (? IS NULL OR kind = ?) "
            "ORDER BY idx LIMIT ?",
            start,
            about_prefix,
            about_prefix + "\U0010ffff",
            kind,
            kind,
            limit,
        )
        return [(int(index), bytes(body)) for index, body in rows]

    def stored(self) -> Iterator[Row]:
        """Yield every entry in order."""
        start = 0
        while page := self._all(
            "SELECT idx, kind, about, body FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?", start, _PAGE
        ):
            for index, kind, about, body in page:
                yield Row(int(index), str(kind), str(about), bytes(body))
            start = int(page[-1][0]) + 1

    def heads(self) -> dict[str, str]:
        """Return each head's digest, hex, by what it is about."""
        return {
            str(about): bytes(digest).hex() for about, digest in self._all("SELECT about, digest FROM head")
        }

    def revoked(self) -> dict[bytes, bytes]:
        """Return each standing revocation's fact by what it revokes."""
        return {bytes(key): bytes(digest) for key, digest in self._all("SELECT key, digest FROM revoked")}

    def digests(self) -> int:
        """Return how many facts are filed by digest."""
        return int(self._all("SELECT count(*) FROM digest")[0][0])

    def last_note(self) -> str | None:
        """Return the newest saved checkpoint."""
        found = self._all("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return str(found[0][0]) if found else None

    def close(self) -> None:
        """Close both connections and let another process open the store."""
        with self._writing, self._reading:
            self._open.close()

    def _write(self, batch: Batch) -> None:
        write = self._writer
        filed = list(zip(batch.rows, batch.digests, strict=True))
        write.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", batch.rows)
        write.executemany(
            "INSERT INTO digest VALUES (?, ?)", [(digest, row.position) for row, digest in filed]
        )
        write.executemany(
            "INSERT INTO head VALUES (?, ?, ?) ON CONFLICT (about) "
            "DO UPDATE SET idx = excluded.idx, digest = excluded.digest",
            [(row.about, row.position, digest) for row, digest in filed],
        )
        for key, digest in batch.revoked:
            write.execute("DELETE FROM revoked WHERE key = ?", (key,))
            if digest is not None:
                write.execute("INSERT INTO revoked VALUES (?, ?)", (key, digest))

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


def _writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes; a new file gets its tables."""
    connection = _connect(path, "PRAGMA wal_autocheckpoint=8000")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.executescript(_TABLES)
    except sqlite3.Error as error:
        connection.close()
        raise StoreFailed(f"{path} is no store: {error}") from error
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
