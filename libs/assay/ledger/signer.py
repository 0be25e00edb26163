"""Signing facts in Vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from assay.contracts import Fact, SignedFact


class Transit(Protocol):
    """The two calls of `assay.vault.Vault` that signing needs."""

    def sign(self, key: str, data: bytes) -> bytes:
        """Sign with the newest version of a P-256 key: DER."""

    def public_key(self, key: str) -> str:
        """Return the newest version's public key, PEM."""


def key_name(fact: Fact) -> str:
    """Return the transit key a fact is signed with: `fact-<kind>`, with `-<env>` where keys differ by environment."""
    raise NotImplementedError


class FactSigner:
    """Signs facts with the transit key of their kind."""

    def __init__(self, vault: Transit, key_names: Callable[[Fact], str] = key_name) -> None:
        raise NotImplementedError

    def sign(self, fact: Fact) -> SignedFact:
        """Return the fact in its envelope."""
        raise NotImplementedError
