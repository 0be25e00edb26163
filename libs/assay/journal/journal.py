"""Appending to the journal: one commit for all that wait, and no answer before it is durable.

It has no thread of its own: of those who wait, one commits for all, and meanwhile the next batch gathers.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.contracts import canonical
from assay.journal.errors import JournalBroken, JournalFull, JournalLate, JournalUnsent
from assay.journal.store import Batch, Entry, Store
from assay.ledger import tree


@dataclass(frozen=True)
class Landed:
    """Where a record stands in the ledger: leaf `index` of `size` under the root the journal fact carries."""

    index: int
    size: int
    path: tuple[bytes, ...]
    fact: str


@dataclass(frozen=True)
class Draft:
    """Canonical bytes to journal; `key` finds them again."""

    body: bytes
    key: str | None = None


@dataclass(slots=True)
class _Waiting:
    draft: Draft
    index: int = -1


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
        self._queueing = threading.Lock()
        self._committing = threading.Lock()
        self._broken: JournalBroken | None = None

    def append(self, record: Mapping[str, Any], *, key: str | None = None) -> int:
        """Return the record's index once it is durable; raises JournalBroken."""
        return self.append_all([Draft(canonical(record), key)])[0]

    def append_all(self, drafts: Sequence[Draft]) -> list[int]:
        """Return the records' indexes once all are durable; raises JournalBroken."""
        mine = [_Waiting(draft) for draft in drafts]
        with self._queueing:
            self._waiting += mine
        with self._committing:  # whoever waited here longest commits for all; often it has been done by now
            if any(one.index < 0 for one in mine):
                self._commit()
        return [one.index for one in mine]

    def enqueue(self, draft: Draft) -> None:
        """Leave a record for the next commit; at the latest, landing commits it."""
        with self._queueing:
            self._waiting.append(_Waiting(draft))

    def flush(self) -> None:
        """Commit what was enqueued; raises JournalBroken."""
        with self._committing:
            self._commit()

    def require_room(self) -> None:
        """Return when another record may be answered for; raises the reason why not."""
        if self._broken:
            raise self._broken
        if self._landed < self._leftover:
            raise JournalUnsent(
                f"{self._leftover - self._landed} records from before the restart are landing"
            )
        if not self.has_room():
            raise JournalFull(f"{self._next - self._landed} records wait for the ledger")
        ages = self._ages
        if ages and self._monotonic() - ages[0][1] > self._lease:
            raise JournalLate(f"the oldest record waits for the ledger since more than {self._lease:g} s")

    def has_room(self) -> bool:
        """Say whether the journal is short of its capacity."""
        return self._broken is None and self._next - self._landed < self._capacity

    def find(self, key: str) -> tuple[Entry, Landed | None] | None:
        """Return the record of a key and, once its batch has landed, its place under the batch's root."""
        entry = self._store.entry(key)
        return None if entry is None else (entry, self.place(entry.index))

    def place(self, index: int) -> Landed | None:
        """Return where an entry stands under the root its journal fact carries, once its batch has landed."""
        batch = self._store.batch_of(index)
        if batch is None or batch.fact is None:
            return None
        at = index - batch.first
        path = tree.inclusion_proof(self._store.leaves(batch), at)
        return Landed(at, batch.size, tuple(path), batch.fact)

    def entries(self, start: int, limit: int) -> list[Entry]:
        """Return entries in order, as far as there are any."""
        return self._store.entries(start, limit)

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._next

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
        """Commit what was enqueued and close the file."""
        with self._committing:
            if self._broken is None:
                self._commit()
            self._broken = JournalBroken("the journal is closed")
            self._store.close()

    def _commit(self) -> None:
        """Make everything that waits durable; the caller holds `_committing`."""
        if self._broken:
            raise self._broken
        with self._queueing:
            taken, self._waiting = self._waiting, []
        if not taken:
            return
        first = self._next
        rows = [
            (at, one.draft.key, one.draft.body, tree.leaf_hash(one.draft.body))
            for at, one in enumerate(taken, first)
        ]
        try:
            self._store.add(rows)
        except JournalBroken as error:
            self._broken = error
            raise
        self._next = first + len(taken)
        self._age(self._next)
        for at, one in enumerate(taken, first):
            one.index = at

    def _age(self, upto: int) -> None:
        if upto > self._landed:
            self._ages.append((upto, self._monotonic()))
