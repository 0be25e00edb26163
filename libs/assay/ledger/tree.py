"""RFC 9162 Merkle trees."""

from __future__ import annotations

from collections.abc import Sequence


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    raise NotImplementedError


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    raise NotImplementedError


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    raise NotImplementedError


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path from leaf `index` to the root."""
    raise NotImplementedError


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the proof that the tree of the first leaves is a prefix."""
    raise NotImplementedError


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Return when the leaf hash stands at `index`; raises SignatureInvalid."""
    raise NotImplementedError


def verify_consistency(
    first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Return when the second tree extends the first; raises SignatureInvalid."""
    raise NotImplementedError
