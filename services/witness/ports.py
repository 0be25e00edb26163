"""What the witness asks of the outside, in its own words."""

from __future__ import annotations

from typing import Protocol

from assay.ledger import Record


class SignedLog(Protocol):
    """The ledger, as far as a witness believes it: what it says is recomputed."""

    def signed(self, after_ms: int, seconds: float) -> str:
        """Return the newest note the log alone signed, waiting up to `seconds` for one after `after_ms`."""

    def entries(self, start: int, limit: int) -> list[Record]:
        """Return entries in order, as far as there are any."""

    def hand_in(self, time_ms: int, line: str) -> None:
        """Give the cosignature of the checkpoint signed at a time; raises Conflict when it came too late."""

    def compare(self, note: str) -> None:
        """Show what was cosigned last; a log that does not hold it refuses by name."""


class Kept(Protocol):
    """The witness's own folder."""

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes of Ed25519."""

    def public_key(self) -> str:
        """Return the key's public half, PEM."""

    def last(self) -> str | None:
        """Return the note cosigned last; None when told to begin. Raises StateLost."""

    def keep(self, note: str) -> None:
        """Replace it, durably."""
