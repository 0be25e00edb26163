"""Checkpoints: what the log signs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint: `size` entries under `root`; roots of the maps; `time_ms` since 1970; `note` is its text."""

    origin: str
    size: int
    root: bytes
    revocations: bytes
    heads: bytes
    time_ms: int
    note: str
