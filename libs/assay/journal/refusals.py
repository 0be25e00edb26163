"""Refusals on their way to the journal: the first of a kind at once, its repeats as one count per landing.

So a caller who is refused a million times leaves a trace and cannot fill our disk; while the journal is full,
refusals are counted in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from assay.contracts import canonical
from assay.journal.journal import Draft, Journal

MOST_KINDS: Final = 256  # per landing; beyond it a refusal counts under "others"


class Refusals:
    """Counts refusals by (caller, action, refusal) and journals them. `clock` gives RFC 3339 in UTC."""

    def __init__(self, journal: Journal, clock: Callable[[], str]) -> None:
        self._journal = journal
        self._clock = clock
        self._repeats: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def note(self, *, caller: str, action: str, refusal: str) -> None:
        """Take one refusal for the next commit; a refusal waits for nothing."""
        if self.first(caller=caller, action=action, refusal=refusal):
            self._submit((caller, action, refusal), 1)

    def first(self, *, caller: str, action: str, refusal: str) -> bool:
        """Say whether a refusal is to be journaled on its own; else it is counted, for `flush`."""
        kind = (caller, action, refusal)
        with self._lock:
            if kind not in self._repeats and len(self._repeats) >= MOST_KINDS:
                kind = ("others", "", refusal)
                self._repeats[kind] = self._repeats.get(kind, 0) + 1
                return False
            first = kind not in self._repeats and self._journal.has_room()
            self._repeats[kind] = 0 if first else self._repeats.get(kind, 0) + 1
            return first

    def flush(self) -> None:
        """Journal the counts of repeats since the last flush and start counting anew, once there is room."""
        if not self._journal.has_room():
            return
        with self._lock:
            repeats, self._repeats = self._repeats, {}
        for kind, count in repeats.items():
            if count:
                self._submit(kind, count)

    def _submit(self, kind: tuple[str, str, str], count: int) -> None:
        caller, action, refusal = kind
        record: dict[str, Any] = {
            "type": "assay-refusal/v1",
            "caller": caller,
            "action": action,
            "refusal": refusal,
            "count": count,
            "time": self._clock(),
        }
        self._journal.enqueue(Draft(canonical(record)))
