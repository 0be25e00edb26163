"""A service's journal in a test: real and durable; nothing lands unless the test lands it."""

from __future__ import annotations

from pathlib import Path

from assay.contracts import SpiffeId
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.web.journals import now
from tests.unit.journal.log import Log

HOUR = 3600


def journaling(
    folder: Path, identity: SpiffeId, ledger: Log | None = None, *, capacity: int = 100_000
) -> Journaling:
    """Return a journal in `folder` that lands in a plain list of facts when `lander.land()` is called."""
    journal = Journal(folder / "journal.db", lease_seconds=HOUR, capacity=capacity)
    refusals = Refusals(journal, now)
    lander = Lander(journal, ledger or Log(), Owner(identity), before=refusals.flush)
    return Journaling(journal, refusals, lander, lambda: "revision", now)
