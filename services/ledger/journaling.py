"""The ledger's own journal lands in the ledger: signed and appended in this process, by no request.

So landing is no access that is journaled, and what is journaled here (searches, refusals) cannot feed on itself.
"""

from __future__ import annotations

from typing import Protocol

from assay.contracts import Fact, SignedFact
from assay.ledger import FactSigner, Record
from assay.ledger.errors import KeyReplaced


class Log(Protocol):
    """What landing needs of the log."""

    def append(self, signed: SignedFact) -> Record:
        """Append a signed fact; raises HeadMoved and what else is refused."""

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""


class OwnFacts:
    """`assay.journal.lander.Heads` over the log itself."""

    def __init__(self, log: Log, signer: FactSigner) -> None:
        self._log = log
        self._signer = signer

    def append(self, fact: Fact) -> Record:
        """Sign and append; raises HeadMoved when `previous` is not the head."""
        try:
            return self._log.append(self._signer.sign(fact))
        except KeyReplaced:  # a next root came in between; the log itself knows it at once
            return self._log.append(self._signer.sign(fact))

    def head(self, about: str) -> Record | None:
        """Return the newest record about something."""
        return self._log.head(about)
