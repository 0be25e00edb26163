"""Signing facts with keys that never leave Vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.contracts import Fact, FactKind, SignedFact
from assay.errors import Unavailable
from assay.ledger.root import keyid_of

TRIES: Final = 2  # a next root may come in force between a signature and the look at whose it is
BY_ENVIRONMENT: Final = frozenset({FactKind.ALIAS, FactKind.ROLLOUT, FactKind.JOURNAL})


class Transit(Protocol):
    """The two calls of `assay.vault.Vault` that signing needs."""

    def sign(self, key: str, data: bytes) -> bytes:
        """Sign with a P-256 key: DER."""

    def public_key(self, key: str) -> str:
        """Return the public key of the version that signs, PEM."""


def key_name(fact: Fact) -> str:
    """Return the transit key of a fact: `fact-<kind>`, with the environment where keys differ by it.

    A journal outside any environment is a core service's: `fact-journal-core`.
    """
    if fact.kind not in BY_ENVIRONMENT:
        return f"fact-{fact.kind}"
    return f"fact-{fact.kind}-{fact.environment or 'core'}"


def key_names_of(service: str) -> Callable[[Fact], str]:
    """Return the names of a service's keys: identity's revocations have one of their own, of people alone."""

    def name(fact: Fact) -> str:
        own = service == "identity" and fact.kind is FactKind.REVOCATION
        return "fact-revocation-people" if own else key_name(fact)

    return name


class FactSigner:
    """Signs facts with the transit key of their kind."""

    def __init__(self, vault: Transit, key_names: Callable[[Fact], str] = key_name) -> None:
        self._vault = vault
        self._key_names = key_names
        self._public: dict[str, str] = {}

    def sign(self, fact: Fact) -> SignedFact:
        """Return the fact in its envelope; raises Vault's refusals."""
        key = self._key_names(fact)
        data = SignedFact.pae(fact.payload())
        for _ in range(TRIES):
            signature = self._vault.sign(key, data)
            public = self._public.get(key) or self._read(key)
            if _verifies(public, signature, data) or _verifies(public := self._read(key), signature, data):
                return SignedFact(fact, keyid_of(public), signature)
        raise Unavailable(f"Vault's key {key!r} changed while it signed; try again")

    def _read(self, key: str) -> str:
        """Ask for the newest public key: the first time, and after a rotation."""
        self._public[key] = self._vault.public_key(key)
        return self._public[key]


def _verifies(pem: str, signature: bytes, data: bytes) -> bool:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
