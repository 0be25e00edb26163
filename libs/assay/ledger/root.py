"""The trust root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from assay.contracts import Assertion, CredentialBound, Environment, Fact, FactKind, SignedFact, SpiffeId


@dataclass(frozen=True)
class SignerEntry:
    """Who may say a kind of fact with which key, in the log interval [from_index, until)."""

    kind: FactKind
    environments: tuple[Environment, ...] | None
    identity: str
    keyid: str
    public_key: str
    from_index: int = 0
    until: int | None = None

    def is_by(self, identity: SpiffeId) -> bool:
        """Say whether a certificate's identity is the one listed (`…/*` stands for one segment)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Root:
    """A root.json whose founders' assertions were verified."""

    document: Mapping[str, Any]
    trust_domain: str
    demonstration: bool
    rp_id: str
    origins: tuple[str, ...]
    threshold: int
    quorum: int
    expires: datetime
    founders: tuple[CredentialBound, ...]
    signers: tuple[SignerEntry, ...]
    log_origin: str
    log_key_pem: str
    services: Mapping[str, str]
    fingerprint: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and verify root.json."""
        raise NotImplementedError

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Verify the bytes of a root.json."""
        raise NotImplementedError

    def signer_for(self, fact: Fact, keyid: str, index: int | None = None) -> SignerEntry:
        """Return the entry under which this key counts for the fact; raises SignatureInvalid."""
        raise NotImplementedError

    def verify(self, signed: SignedFact, index: int | None = None) -> SignerEntry:
        """Verify the envelope's signature by a key that counts for the fact; raises SignatureInvalid."""
        raise NotImplementedError

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a founder's credential."""
        raise NotImplementedError


def keyid_of(public_key_pem: str) -> str:
    """Return SHA-256 of the DER SubjectPublicKeyInfo, hex."""
    raise NotImplementedError


def root_payload(
    *,
    trust_domain: str,
    demonstration: bool,
    rp_id: str,
    origins: Iterable[str],
    threshold: int,
    expires: datetime,
    admins: Iterable[CredentialBound],
    signers: Iterable[SignerEntry],
    log_origin: str,
    log_public_key: str,
    services: Mapping[str, str],
) -> dict[str, Any]:
    """Return the payload founders assert: their statement."""
    raise NotImplementedError


def root_document(payload: Mapping[str, Any], assertions: Iterable[Assertion]) -> bytes:
    """Return the bytes of root.json."""
    raise NotImplementedError


def root_fact(root: Root, *, time: str) -> Fact:
    """Return entry 0 of a log under this root."""
    raise NotImplementedError
