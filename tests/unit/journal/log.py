"""A log of heads with the ledger's rules, which can be down or lose an answer on its way back."""

from __future__ import annotations

from assay.contracts import Fact, SignedFact
from assay.errors import HeadMoved, Unavailable
from assay.ledger import Record


class Log:
    """Appends in memory; `down` refuses everything, `loses_answers` commits and then fails."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._by_digest: dict[str, Record] = {}
        self.down = False
        self.loses_answers = False

    def append(self, fact: Fact) -> Record:
        """The same payload again is the same record; else `previous` must be the head."""
        if self.down:
            raise Unavailable("the log is down")
        if fact.digest in self._by_digest:
            return self._by_digest[fact.digest]
        head = self.head(fact.about)
        if fact.previous != (head.digest if head else None):
            raise HeadMoved(f"{fact.about} moved")
        record = Record(len(self.records), SignedFact(fact, "key", b"signature"))
        self.records.append(record)
        self._by_digest[fact.digest] = record
        if self.loses_answers:
            raise Unavailable("the answer was lost")
        return record

    def head(self, about: str) -> Record | None:
        """Return the newest record about something."""
        if self.down:
            raise Unavailable("the log is down")
        return next((r for r in reversed(self.records) if r.about == about), None)
