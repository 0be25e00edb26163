"""What callers ask of the ledger."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from assay.contracts import SignedFact, SpiffeId, strict_json
from assay.errors import BadRequest
from assay.ledger.checkpoint import open_note
from services.ledger.log import Log
from services.ledger.proofs import Asked, Proofs
from services.ledger.publishing import Published
from services.ledger.waiting import Appended


class LedgerUses:
    """Append what the root admits; read with proofs."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.proofs = Proofs(log)

    async def append(self, body: bytes, caller: SpiffeId) -> Appended:
        """Append the fact in an envelope for a caller whose certificate the root lists for it; see `Log.submit`."""
        return await self._log.appended(lambda: _opened(body), caller)

    def fact(self, digest: str) -> dict[str, Any]:
        """Return one fact with the proof that it is in the log."""
        bundle = self.proofs.bundle(Asked(digests=[digest]))
        return {**bundle["entries"][0], "checkpoint": bundle["checkpoint"]}

    def checkpoint(self) -> str:
        """Return the newest note."""
        return self._log.publisher.newest().checkpoint.note

    def next_checkpoint(self, after_ms: int) -> Future[Published]:
        """Return the first note signed after a time."""
        return self._log.publisher.after(after_ms)

    def signed(self) -> str:
        """Return the newest note the log alone signed: for its witnesses, and nobody else's lease."""
        return self._log.publisher.newest_signed().checkpoint.note

    def next_signed(self, after_ms: int) -> Future[Published]:
        """Return the first note the log alone signed after a time."""
        return self._log.publisher.signed_after(after_ms)

    def cosign(self, time_ms: int, line: str) -> None:
        """Take a witness's cosignature; see `Publisher.cosigned`."""
        self._log.publisher.cosigned(time_ms, line)

    def compare(self, note: str) -> None:
        """Compare this log with what a witness last cosigned; see `Log.compare`."""
        root = self._log.root
        self._log.compare(open_note(note, root.log_origin, root.log_key_pem))

    def entries(self, start: int, limit: int) -> dict[str, Any]:
        """Return envelopes in order."""
        return {"start": start, "entries": [one.signed.to_json() for one in self._log.entries(start, limit)]}


def _opened(body: bytes) -> SignedFact:
    envelope = strict_json(body)
    if not isinstance(envelope, dict):
        raise BadRequest("the body is no envelope")
    return SignedFact.from_json(envelope)
