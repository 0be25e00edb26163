"""Vault as Assay needs it: certificates from its PKI, keys that never leave its transit engine, logins.

`Vault` is the port. `assay.vault.client.VaultClient` is its adapter over hvac, `assay.vault.admin.VaultAdmin`
what genesis and operators do, and `assay.vault.layout` the names: services, PKI roles, transit keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

KeyKind = Literal["ecdsa-p256", "ed25519", "aes256-gcm96", "hmac"]
Listed = Callable[[str], bool]
"""Says of a public key (PEM) whether the trust root in force lists it."""

__all__ = ["KeyKind", "LeasedUser", "Listed", "Vault"]


@dataclass(frozen=True)
class LeasedUser:
    """A user of a database for `seconds`, unless its lease is renewed."""

    name: str
    password: str = field(repr=False)
    lease: str = field(repr=False)
    seconds: float


class Vault(Protocol):
    """What a logged-in service may ask.

    Every call may raise Unavailable (down, sealed, or `LoginEnded`), Forbidden (the service's policy does not allow
    it) or NotFound (no such key or role); VaultRefused when what was sent is wrong, such as another context.
    """

    def on_loss(self, told: Callable[[], None]) -> None:
        """Call `told` once when this login has ended at Vault: now, if it has."""
        ...

    def sign_csr(self, role: str, csr_pem: str, *, uri: str, ttl_seconds: int, loopback: bool = True) -> str:
        """Return PEM, leaf then chain, for the CSR's key; its SANs are `uri` and, with `loopback`, this host."""
        ...

    def ca_pem(self) -> str:
        """Return the PKI's root certificate, PEM."""
        ...

    def create_key(self, key: str, kind: KeyKind) -> None:
        """Make a transit key; a key that exists stays as it is."""
        ...

    def sign_as_listed(self, listed: Listed) -> None:
        """Sign, from now on, with the newest version of a key that is `listed`; where none is, with the newest."""
        ...

    def public_key(self, key: str) -> str:
        """Return the public half of the version that signs, PEM (SubjectPublicKeyInfo)."""
        ...

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign `data`.

        ecdsa-p256: SHA-256 over data, DER (`jws`: raw r||s, 64 bytes); ed25519: the raw 64 bytes.
        """
        ...

    def encrypt(self, key: str, plaintext: bytes, *, context: bytes = b"") -> str:
        """Encrypt small data; `context` is authenticated with it and needed to decrypt."""
        ...

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Return the plaintext; a wrong context or a changed ciphertext is VaultRefused."""
        ...

    def data_key(self, key: str, *, context: bytes = b"") -> tuple[bytes, str]:
        """Return 32 fresh bytes and the same bytes wrapped (`vault:v1:…`); `decrypt` unwraps them."""
        ...

    def hmac(self, key: str, data: bytes) -> str:
        """Return HMAC-SHA-256 by the newest version, as `vault:v1:<base64>`."""
        ...

    def delete_key(self, key: str) -> None:
        """Destroy a key with all its versions: what it wrapped is gone for good."""
        ...

    def wrap_secret_id(self, role: str, *, identity: str = "") -> str:
        """Return a wrapping token that unwraps once, to a secret id that logs `role` in once.

        `identity` (a SPIFFE path) is noted on the login where one role serves several identities.
        """
        ...

    def logins(self) -> dict[str, str]:
        """Return every login there is now: its accessor, and the SPIFFE path of whose it is."""
        ...

    def end_login(self, accessor: str) -> None:
        """Revoke a login's token by its accessor; one that is gone is no error."""
        ...

    def database_user(self, role: str) -> LeasedUser:
        """Return a fresh user of a service's PostgreSQL database; only a real Vault lends them."""
        ...

    def renew_lease(self, lease: str, seconds: int) -> float:
        """Return for how many seconds more a lease counts; fewer than asked for towards its end."""
        ...

    def end_lease(self, lease: str) -> None:
        """End a lease: its user is gone."""
        ...

    def role_id(self, role: str) -> str:
        """Return the AppRole role id of a service; not a secret."""
        ...
