"""A software passkey for demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Self

from assay.contracts import Assertion


class SoftwareCredential(NamedTuple):
    """Its id and COSE public key, both base64url without padding."""

    credential_id: str
    public_key: str


class SoftwareAuthenticator:
    """Signs whatever it is asked to, without asking anybody; only a demonstration root admits it."""

    person: str
    credential: SoftwareCredential

    @classmethod
    def create(cls, person: str, rp_id: str, origin: str, path: Path) -> Self:
        """Make a P-256 key and write it to `path` (0600)."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one back."""
        raise NotImplementedError

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Say the statement."""
        raise NotImplementedError
