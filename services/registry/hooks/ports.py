"""What webhooks need of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.registry.hooks.domain import Hook, Words


class Hooks(Protocol):
    """Where hooks are kept, each with how far it was told."""

    def add(self, hook: Hook) -> None:
        """Keep a new hook; raises WebhookExists."""

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""

    def get(self, hook: str) -> Hook | None:
        """Return the hook with an id."""

    def change(self, hook: Hook, values: Mapping[str, Any]) -> None:
        """Change members of a hook that is as it was read; raises WebhookChanged, WebhookExists."""

    def words(self, hook: str) -> Words | None:
        """Return what was written of a hook (by id), if anything was."""

    def describe(self, hook: str, words: Words) -> None:
        """Keep what was written of a hook (by id)."""

    def remove(self, hook: Hook) -> None:
        """Forget a hook and its secret."""

    def told(self, hook: Hook, position: int) -> None:
        """Say that everything before `position` was taken, and that the last try went well."""

    def wake(self, hook: Hook) -> None:
        """Say that the last try went well, and that a hook at rest is told again."""

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
