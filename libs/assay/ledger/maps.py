"""Merkle maps: a compact sparse Merkle tree from 32-byte keys to 32-byte values, with proofs of absence.

A subtree with one key is that leaf, so the shape depends on the set of keys alone: whoever knows the entries
rebuilds the same root in any order. Maps are values: a change gives a new one and older roots stay provable.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from assay.errors import SignatureInvalid

EMPTY: Final = bytes(32)
BITS: Final = 256
Item = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One key and its value."""

    key: bytes
    value: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Inner:
    """Two subtrees, at least one of them with more than one key below."""

    left: Node
    right: Node
    hash: bytes


Node = Leaf | Inner | None


@dataclass(frozen=True)
class MerkleMap:
    """A map value. Keys and values are 32 bytes."""

    _top: Node = field(default=None, repr=False)

    @property
    def root(self) -> bytes:
        """The root hash; 32 zero bytes when empty."""
        return _hash(self._top)

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key."""
        _, leaf = self._walk(key)
        return leaf.value if leaf and leaf.key == key else None

    def changed(self, changes: Mapping[bytes, bytes] | Mapping[bytes, bytes | None]) -> MerkleMap:
        """Return the map with these values set; None deletes."""
        return MerkleMap(_put(self._top, sorted(changes.items()), 0))

    def prove(self, key: bytes) -> dict[str, Any]:
        """Return the proof, as JSON, of the value under a key or of its absence."""
        siblings, leaf = self._walk(key)
        return {
            "siblings": [_b64(one) for one in siblings],
            "leaf": {"key": leaf.key.hex(), "value": leaf.value.hex()} if leaf else None,
        }

    def _walk(self, key: bytes) -> tuple[list[bytes], Leaf | None]:
        siblings: list[bytes] = []
        node = self._top
        while isinstance(node, Inner):
            right = _bit(key, len(siblings))
            siblings.append(_hash(node.left if right else node.right))
            node = node.right if right else node.left
        return siblings, node


def map_of(items: Mapping[bytes, bytes]) -> MerkleMap:
    """Return the map of these items."""
    return MerkleMap(_build(sorted(items.items()), 0))


def verify_map_proof(root: bytes, key: bytes, proof: Mapping[str, Any]) -> bytes | None:
    """Return the value proven under `key`, or None when its absence is proven.

    Raises:
        SignatureInvalid: the proof shows neither under this root.
    """
    siblings, leaf = _read(proof)
    if any(len(one) != len(EMPTY) for one in (root, key, *siblings)) or len(siblings) > BITS:
        raise SignatureInvalid("a map proof of the wrong shape")
    if leaf and leaf.key != key and _common_bits(leaf.key, key) < len(siblings):
        raise SignatureInvalid("the map proof ends in another branch")
    found = _hash(leaf)
    for depth in range(len(siblings) - 1, -1, -1):
        pair = (siblings[depth], found) if _bit(key, depth) else (found, siblings[depth])
        found = _inner_hash(*pair)
    if found != root:
        raise SignatureInvalid("the map proof does not lead to the signed root")
    return leaf.value if leaf and leaf.key == key else None


def _read(proof: Mapping[str, Any]) -> tuple[list[bytes], Leaf | None]:
    try:
        siblings = [base64.b64decode(one, validate=True) for one in proof["siblings"]]
        leaf = proof["leaf"]
        found = _leaf(bytes.fromhex(leaf["key"]), bytes.fromhex(leaf["value"])) if leaf is not None else None
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise SignatureInvalid(f"not a map proof: {error!r}") from error
    if found and not len(found.key) == len(found.value) == len(EMPTY):
        raise SignatureInvalid("a map proof whose leaf is not 32 bytes to 32 bytes")
    return siblings, found


def _put(node: Node, changes: list[Item], depth: int) -> Node:
    """Apply sorted changes with distinct keys to a subtree."""
    if not changes:
        return node
    if not isinstance(node, Inner):
        untouched = node is not None and all(key != node.key for key, _ in changes)
        items = sorted([*changes, (node.key, node.value)]) if node and untouched else changes
        return _build([(key, value) for key, value in items if value is not None], depth)
    cut = _cut(changes, depth)
    return _join(_put(node.left, changes[:cut], depth + 1), _put(node.right, changes[cut:], depth + 1))


def _build(items: list[tuple[bytes, bytes]], depth: int) -> Node:
    if not items:
        return None
    if len(items) == 1:
        return _leaf(*items[0])
    cut = _cut(items, depth)
    return _join(_build(items[:cut], depth + 1), _build(items[cut:], depth + 1))


def _join(left: Node, right: Node) -> Node:
    """A subtree with a single key below it is that leaf."""
    if left is None and not isinstance(right, Inner):
        return right
    if right is None and not isinstance(left, Inner):
        return left
    return Inner(left, right, _inner_hash(_hash(left), _hash(right)))


def _cut(items: Sequence[tuple[bytes, object]], depth: int) -> int:
    """Return how many sorted items, alike up to this depth, go left at it."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) >> 1
        if _bit(items[middle][0], depth):
            high = middle
        else:
            low = middle + 1
    return low


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _common_bits(one: bytes, other: bytes) -> int:
    return BITS - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


def _leaf(key: bytes, value: bytes) -> Leaf:
    return Leaf(key, value, sha256(b"\2" + key + value).digest())


def _inner_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\3" + left + right).digest()


def _hash(node: Node) -> bytes:
    return node.hash if node else EMPTY


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
