"""Why a journal makes its service stop answering."""

from __future__ import annotations

from assay.errors import Unavailable


class JournalFull(Unavailable):
    """More records wait for the ledger than the journal may hold."""

    fix = "check that the ledger answers; the service answers again when its journal has landed"


class JournalLate(Unavailable):
    """The oldest record has waited for the ledger longer than the lease."""

    fix = JournalFull.fix


class JournalUnsent(Unavailable):
    """Records from before the last stop have not reached the ledger yet."""

    fix = "wait: what was journaled before the restart is landed first"


class JournalBroken(Unavailable):
    """The journal's disk refused a write; nothing is answered that cannot be journaled."""

    fix = "make room on the disk of the service's data folder, then restart the service"
