"""Sparse Merkle maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def verify_map_proof(root: bytes, key: bytes, proof: Mapping[str, Any]) -> bytes | None:
    """Return the value proven under a key (32 bytes), or None: proven absent; raises SignatureInvalid."""
    raise NotImplementedError
