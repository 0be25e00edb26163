"""Proofs for offline use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.contracts import Revocation
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.record import Record
from assay.ledger.root import Root


@dataclass(frozen=True)
class VerifiedBundle:
    """What a proof bundle proves, as of its checkpoint."""

    checkpoint: Checkpoint
    records: Mapping[str, Record]  # by digest, each included in the log and signed as the root demands
    revocations: Mapping[str, Revocation | None]  # by key: standing revocation, or None: proven not revoked
    heads: Mapping[str, str | None]  # by about: digest of the head, or None: proven to have none


def read_bundle(bundle: Mapping[str, Any], root: Root) -> VerifiedBundle:
    """Verify what `Ledger.proof_bundle` returned with nothing but the root; raises SignatureInvalid."""
    raise NotImplementedError
