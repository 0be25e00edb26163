"""What webhooks need of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.registry.hooks.domain import Hook


class Hooks(Protocol):
    """Where hooks are kept, each with how far it was told."""

    def add(self, hook: Hook) -> None:
        """Keep a new hook; raises WebhookExists."""

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""

    def remove(self, hook: Hook) -> None:
        """Forget a hook and its secret."""

    def told(self, hook: Hook, position: int) -> None:
        """Say that everything before `position` was taken, and that the last try went well."""

    def failed(self, hook: Hook, why: str, *, retry_at: float, failures: int, disabled: bool) -> None:
        """Say that a try failed, when the next may be, and whether there is one."""


class Sealing(Protocol):
    """Vault, as far as secrets of hooks are sealed by it."""

    def encrypt(self, key: str, plaintext: bytes, *, context: bytes = b"") -> str:
        """Seal."""

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Open what was sealed for this context."""


class Egress(Protocol):
    """The one way out."""

    def check(self, url: str) -> None:
        """Raise AddressRefused for an address that may not be called."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send, and return the status; raises AddressRefused or Undelivered."""
