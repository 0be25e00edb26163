"""Refusals of the ledger's own."""

from __future__ import annotations

from assay.errors import Conflict, Invalid, NotFound, SignatureInvalid, Unavailable
from assay.ledger import LogForked


class StoreEdited(LogForked):
    """A row of the store is not what was appended."""

    fix = "restore the store from its newest backup; the detail names the row"


class SearchIndexEdited(SignatureInvalid):
    """The search index says of an entry what the entry does not say."""

    fix = "delete the ledger's search index: it is made again from the entries"


class StoreMissing(NotFound):
    """There is no store, or nothing in it: a ledger begins with `assay init`."""

    fix = "run `assay init`, or restore the store from its newest backup"


class OffClock(Invalid):
    """A move is dated far from the ledger's clock: it would be judged at a time that is not its own."""

    fix = "set the clock of the service that appends, and move again"


class NotOutstanding(Conflict):
    """A cosignature is for a checkpoint that does not wait for one: it was published, or was never signed here."""

    fix = "cosign the newest checkpoint the ledger signed"


class StoreInUse(Conflict):
    """Another process has the store open; a log has one writer."""

    fix = "stop the other ledger first"


class StoreFailed(Unavailable):
    """The store refused a write: nothing more is accepted until the ledger has restarted and checked itself."""

    fix = "make room on the ledger's disk; the supervisor restarts it"


class StoreFenced(StoreFailed):
    """Another process wrote where this one was about to: it leads the log no more."""

    fix = "nothing is lost: the process restarts, and appends again once it leads"
