"""A service's own durable journal of receipts, reads and refusals, whose batch roots land in the ledger.

Owns: what is acknowledged survives kill -9 and a power cut; roots reach the ledger within a second; what a
restart left behind lands first; a journal that is full, late or broken makes its service stop answering.
"""

from assay.journal.access import Access, Appended, Journaling, Kind, Known
from assay.journal.asynchronous import AsyncJournal
from assay.journal.commitments import Tensor, commitment
from assay.journal.errors import JournalBroken, JournalFull, JournalLate, JournalUnsent
from assay.journal.journal import Draft, Journal, Landed
from assay.journal.lander import Lander, Owner
from assay.journal.naming import named_in
from assay.journal.reading import JournalEdited, Wanted, search, verify
from assay.journal.refusals import Refusals
from assay.journal.store import Entry

__all__ = [
    "Access",
    "Appended",
    "AsyncJournal",
    "Draft",
    "Entry",
    "Journal",
    "JournalBroken",
    "JournalEdited",
    "JournalFull",
    "JournalLate",
    "JournalUnsent",
    "Journaling",
    "Kind",
    "Known",
    "Landed",
    "Lander",
    "Owner",
    "Refusals",
    "Tensor",
    "Wanted",
    "commitment",
    "named_in",
    "search",
    "verify",
]
