"""Appending to the journal: many callers, one commit for all that wait, no answer before it is durable."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assay.contracts import canonical
from assay.journal.errors import JournalBroken, JournalFull, JournalLate, JournalUnsent
from assay.journal.store import Batch, Entry, Store
from assay.ledger import tree

MOST_IN_A_COMMIT: Final = 1024


@dataclass(frozen=True)
class Landed:
    """Where a record stands in the ledger: leaf `index` of `size` under the root the journal fact carries."""

    index: int
    size: int
    path: tuple[bytes, ...]
    fact: str


@dataclass(frozen=True)
class _Waiting:
    key: str | None
    body: bytes
    done: Future[int]


class Journal:
    """What a service answered, durable on its own disk until the ledger holds the root of each batch.

    `capacity` is how many records may wait for the ledger; `lease_seconds` is how long the oldest may.
    """

    def __init__(
        self,
        path: Path,
        *,
        lease_seconds: float,
        capacity: int = 100_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = Store(path)
        self._lease = lease_seconds
        self._capacity = capacity
        self._monotonic = monotonic
        self._next = self._store.size()
        self._landed = self._store.landed()
        self._leftover = self._next  # what a restart found: landed before anything else is answered
        self._ages: deque[tuple[int, float]] = deque()  # (entries up to here, when they were appended)
        self._age(self._next)
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._broken: JournalBroken | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def append(self, record: Mapping[str, Any], *, key: str | None = None) -> int:
        """Return the record's index once it is durable; `key` finds it again."""
        return self.submit(canonical(record), key=key).result()

    def submit(self, body: bytes, *, key: str | None = None) -> Future[int]:
        """Queue canonical bytes; the future holds the index once they are durable, or JournalBroken."""
        done: Future[int] = Future()
        with self._wake:
            if self._closed or self._broken:
                done.set_exception(self._broken or JournalBroken("the journal is closed"))
            else:
                self._waiting.append(_Waiting(key, body, done))
                self._wake.notify()
        return done

    def require_room(self) -> None:
        """Return when another record may be answered for; raises the reason why not."""
        if self._broken:
            raise self._broken
        if self._landed < self._leftover:
            raise JournalUnsent(
                f"{self._leftover - self._landed} records from before the restart are landing"
            )
        if self._next - self._landed >= self._capacity:
            raise JournalFull(f"{self._next - self._landed} records wait for the ledger")
        ages = self._ages
        if ages and self._monotonic() - ages[0][1] > self._lease:
            raise JournalLate(f"the oldest record waits for the ledger since more than {self._lease:g} s")

    def find(self, key: str) -> tuple[Entry, Landed | None] | None:
        """Return the record of a key and, once its batch has landed, its place under the batch's root."""
        entry = self._store.entry(key)
        if entry is None:
            return None
        batch = self._store.batch_of(entry.index)
        if batch is None or batch.fact is None:
            return entry, None
        index = entry.index - batch.first
        path = tree.inclusion_proof(self._store.leaves(batch), index)
        return entry, Landed(index, batch.size, tuple(path), batch.fact)

    def next_batch(self, most: int) -> tuple[Batch, bytes] | None:
        """Return the oldest batch that has not landed with its root, or None when all have."""
        batch = self._store.next_batch(most)
        return (batch, tree.root_of(self._store.leaves(batch))) if batch else None

    def save(self, batch: Batch) -> None:
        """Keep a batch's payload before its first try, or the fact it landed as."""
        self._store.save(batch)
        if batch.fact is not None:
            self._landed = batch.first + batch.size
            while self._ages and self._ages[0][0] <= self._landed:
                self._ages.popleft()

    def close(self) -> None:
        """Write what waits, then close the file."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._store.close()

    def _write(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closed)
                taken, self._waiting = self._waiting[:MOST_IN_A_COMMIT], self._waiting[MOST_IN_A_COMMIT:]
            if not taken:
                return
            self._commit([one for one in taken if one.done.set_running_or_notify_cancel()])

    def _commit(self, taken: list[_Waiting]) -> None:
        first = self._next
        try:
            self._store.add(
                [(first + at, one.key, one.body, tree.leaf_hash(one.body)) for at, one in enumerate(taken)]
            )
        except JournalBroken as error:
            self._break(error, taken)
            return
        self._next = first + len(taken)
        self._age(self._next)
        for at, one in enumerate(taken):
            one.done.set_result(first + at)

    def _break(self, error: JournalBroken, taken: list[_Waiting]) -> None:
        with self._wake:
            self._broken = error
            refused, self._waiting = taken + self._waiting, []
        for one in refused:
            one.done.set_exception(error)

    def _age(self, upto: int) -> None:
        if upto > self._landed:
            self._ages.append((upto, self._monotonic()))
