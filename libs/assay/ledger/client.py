"""The ledger over mTLS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from assay.contracts import Fact
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.memory import CheckpointMemory
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.signer import FactSigner


class LedgerClient:
    """A `Ledger` that believes only proofs; without a signer it reads."""

    def __init__(
        self, http: httpx.Client, root: Root, memory: CheckpointMemory, signer: FactSigner | None = None
    ) -> None:
        raise NotImplementedError

    @property
    def acknowledged(self) -> int:
        """The size the log has at least: one past the last entry it acknowledged to this client."""
        raise NotImplementedError

    def append(self, fact: Fact) -> Record:
        """See `Ledger.append`."""
        raise NotImplementedError

    def head(self, about: str) -> Record | None:
        """See `Ledger.head`."""
        raise NotImplementedError

    def fact(self, digest: str) -> Record:
        """See `Ledger.fact`."""
        raise NotImplementedError

    def checkpoint(self) -> Checkpoint:
        """See `Ledger.checkpoint`."""
        raise NotImplementedError

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """See `Ledger.entries`."""
        raise NotImplementedError

    def proof_bundle(
        self, digests: Sequence[str], *, revocation_keys: Sequence[str], heads: Sequence[str] = ()
    ) -> dict[str, Any]:
        """See `Ledger.proof_bundle`."""
        raise NotImplementedError
