"""The journal's file: one SQLite database, one write connection, durable before acknowledged (WAL, FULL).

Two tables that only grow: entries in order, and the batches that cover them without gaps. A batch keeps its
fact's payload from before the first try, so a try whose answer was lost is repeated with the same digest.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.journal.errors import JournalBroken

_TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    idx INTEGER PRIMARY KEY, key TEXT UNIQUE, body BLOB NOT NULL, leaf BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
    first INTEGER PRIMARY KEY, size INTEGER NOT NULL, payload BLOB, fact TEXT);
"""


@dataclass(frozen=True)
class Entry:
    """One record: its place in the journal and its canonical bytes."""

    index: int
    body: bytes


@dataclass(frozen=True)
class Batch:
    """Entries `first` to `first + size - 1`; `payload` of the fact being landed, `fact` its digest then."""

    first: int
    size: int
    payload: bytes | None = None
    fact: str | None = None


class Store:
    """The file. Safe for threads: one lock for the writer, one for the reader."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._writer = _connect(path)
        self._writer.executescript(_TABLES)
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._writing = threading.Lock()
        self._reading = threading.Lock()

    def add(self, rows: Sequence[tuple[int, str | None, bytes, bytes]]) -> None:
        """Make (index, key, body, leaf hash) rows durable in one commit."""
        with self._transaction() as write:
            write.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)

    def save(self, batch: Batch) -> None:
        """Write a batch, or what is newly known of it."""
        with self._transaction() as write:
            write.execute(
                "INSERT INTO batch VALUES (:first, :size, :payload, :fact) ON CONFLICT (first) "
                "DO UPDATE SET payload = excluded.payload, fact = excluded.fact",
                vars(batch),
            )

    def size(self) -> int:
        """Return the number of entries."""
        return int(self._one("SELECT COALESCE(MAX(idx) + 1, 0) FROM entry")[0])

    def landed(self) -> int:
        """Return how many entries, from the first, are covered by landed batches."""
        return int(self._one("SELECT COALESCE(MAX(first + size), 0) FROM batch WHERE fact IS NOT NULL")[0])

    def next_batch(self, most: int) -> Batch | None:
        """Return the oldest batch that has not landed; one of at most `most` entries is cut when needed."""
        start = self.landed()
        saved = self._all("SELECT first, size, payload, fact FROM batch WHERE first = ?", start)
        if saved:
            return Batch(*saved[0])
        size = min(most, self.size() - start)
        return Batch(start, size) if size else None

    def batch_of(self, index: int) -> Batch | None:
        """Return the batch that covers an entry, landed or not."""
        found = self._all(
            "SELECT first, size, payload, fact FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1", index
        )
        batch = Batch(*found[0]) if found else None
        return batch if batch and index < batch.first + batch.size else None

    def leaves(self, batch: Batch) -> list[bytes]:
        """Return the leaf hashes of a batch, in order."""
        rows = self._all(
            "SELECT leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
            batch.first,
            batch.first + batch.size,
        )
        return [bytes(row[0]) for row in rows]

    def entry(self, key: str) -> Entry | None:
        """Return the record that was appended under a key."""
        found = self._all("SELECT idx, body FROM entry WHERE key = ?", key)
        return Entry(int(found[0][0]), bytes(found[0][1])) if found else None

    def entries(self, start: int, limit: int) -> list[Entry]:
        """Return entries in order, as far as there are any."""
        rows = self._all(
            "SELECT idx, body FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", start, start + limit
        )
        return [Entry(int(index), bytes(body)) for index, body in rows]

    def close(self) -> None:
        """Close both connections."""
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            try:
                with self._writer:
                    self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
            except sqlite3.Error as error:
                raise JournalBroken(f"the journal could not be written: {error}") from error

    def _one(self, query: str, *values: object) -> tuple[Any, ...]:
        return self._all(query, *values)[0]

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._reading:
            try:
                return self._reader.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise JournalBroken(f"the journal could not be read: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA fullfsync=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection
