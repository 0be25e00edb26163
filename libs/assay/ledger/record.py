"""A fact at its place in the log, and what a client can ask of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assay.contracts import Fact, FactKind, SignedFact
from assay.ledger.checkpoint import Checkpoint


@dataclass(frozen=True)
class Record:
    """The entry at `index`: a fact in its signed envelope."""

    index: int
    signed: SignedFact

    @property
    def fact(self) -> Fact:
        """The fact itself."""
        return self.signed.fact

    @property
    def digest(self) -> str:
        """The fact's digest: SHA-256 of its payload, hex."""
        return self.signed.fact.digest

    @property
    def kind(self) -> FactKind:
        """The fact's kind."""
        return self.signed.fact.kind

    @property
    def about(self) -> str:
        """What the fact is about: the head it moved."""
        return self.signed.fact.about


class Ledger(Protocol):
    """The log: append is the commit, and everything read back is verified."""

    def append(self, fact: Fact) -> Record:
        """Sign and append; returns once durable. The same payload again gives the same record.

        Raises:
            HeadMoved: `previous` is not the head; `extra["head"]` is the head's digest or None.
            SignatureInvalid: the root does not list this key or identity for the fact, or an assertion fails.
            Unavailable: Vault or the ledger is down; trying the same fact again is safe.
        """

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something, proven against a checkpoint."""

    def fact(self, digest: str) -> Record:
        """Return a fact by digest, proven included; raises NotFound."""

    def checkpoint(self) -> Checkpoint:
        """Return the newest checkpoint, which continues every one seen; raises LogForked, LogTruncated."""

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """Return entries in order; not verified one by one (a `Follower` does that)."""

    def proof_bundle(
        self, digests: Sequence[str], *, revocation_keys: Sequence[str], heads: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Prove each fact's inclusion, each key's (non-)revocation and each head, against one checkpoint."""
