"""Vault over hvac: one pooled TLS 1.3 session, a token that renews itself, refusals in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from assay.vault import KeyKind


class VaultClient:
    """A service's login at Vault; safe to share between threads. `close` revokes the token."""

    @classmethod
    def login(cls, *, url: str, ca_path: Path, role_id: str, wrapped_secret_id: str) -> Self:
        """Unwrap the secret id, log in by AppRole and keep the token renewed in a thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop renewing, revoke the token, close the connections."""
        raise NotImplementedError

    def sign_csr(self, role: str, csr_pem: str, *, uri: str, ttl_seconds: int, loopback: bool = True) -> str:
        """Return PEM, leaf then chain."""
        raise NotImplementedError

    def ca_pem(self) -> str:
        """Return the PKI's root certificate, PEM."""
        raise NotImplementedError

    def create_key(self, key: str, kind: KeyKind) -> None:
        """Make a transit key unless it exists."""
        raise NotImplementedError

    def public_key(self, key: str) -> str:
        """Return the newest version's public half, PEM."""
        raise NotImplementedError

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign data."""
        raise NotImplementedError

    def encrypt(self, key: str, plaintext: bytes, *, context: bytes = b"") -> str:
        """Encrypt small data with associated `context`."""
        raise NotImplementedError

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Return the plaintext."""
        raise NotImplementedError

    def data_key(self, key: str, *, context: bytes = b"") -> tuple[bytes, str]:
        """Return 32 fresh bytes and the same bytes wrapped."""
        raise NotImplementedError

    def hmac(self, key: str, data: bytes) -> str:
        """Return `vault:v1:<base64>`."""
        raise NotImplementedError

    def delete_key(self, key: str) -> None:
        """Destroy a key."""
        raise NotImplementedError

    def wrap_secret_id(self, role: str) -> str:
        """Return a single-use wrapping token around a single-use secret id."""
        raise NotImplementedError

    def role_id(self, role: str) -> str:
        """Return a role's id."""
        raise NotImplementedError
