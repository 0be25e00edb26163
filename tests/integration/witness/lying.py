"""A ledger that shows what it is told to, over a true one's entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from assay.ledger import Record
from assay.ledger.checkpoint import sign_note
from services.ledger.log import Log
from services.witness.adapters.folder import Folder
from services.witness.witnessing import Witnessing
from tests.support.ledger import House

SECONDS = 10.0  # a hang limit


class Shown:
    """A `SignedLog` whose next note is the test's to choose; it holds the log's own key."""

    def __init__(self, log: Log, house: House) -> None:
        self.log = log
        self.house = house
        self.note = log.publisher.signed_after(0).result(SECONDS).checkpoint.note
        self.handed_in: list[str] = []
        self.deaf: Exception | None = None
        self.more: list[Record] = []

    def says(self, **changes: Any) -> None:  # noqa: ANN401 - a checkpoint's members
        """Sign the newest state with changes."""
        root = self.house.root
        said = replace(self.log.publisher.newest_signed().checkpoint, **changes)
        self.note = sign_note(said, root.log_key_pem, lambda data: self.house.keys.sign("log", data))

    def signed(self, after_ms: int, seconds: float) -> str:  # noqa: ARG002 - a `SignedLog`
        """See `SignedLog`."""
        return self.note

    def entries(self, start: int, limit: int) -> list[Record]:
        """See `SignedLog`: the true ones, then `more`."""
        return [*self.log.entries(0, 1000), *self.more][start : start + limit]

    def hand_in(self, time_ms: int, line: str) -> None:  # noqa: ARG002 - a `SignedLog`
        """See `SignedLog`; while it is `deaf`, nothing arrives."""
        if self.deaf is not None:
            raise self.deaf
        self.handed_in.append(line)

    def compare(self, note: str) -> None:
        """See `SignedLog`."""


def lied_to(house: House, shown: Shown, clock: Callable[[], float] = time.time) -> Witnessing:
    """Return the house's witness, before such a ledger."""
    kept = Folder(house.folder / "witness-0")
    return Witnessing("witness-0", house.root, kept, shown, lease_seconds=60, clock=clock)
