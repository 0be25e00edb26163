"""RFC 9162 Merkle trees: roots, inclusion and consistency, produced and verified.

Hashes are SHA-256, 32 bytes. Verifying raises SignatureInvalid: no proof is checked and then ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from assay.errors import SignatureInvalid

EMPTY_ROOT: Final = sha256(b"").digest()
HASH: Final = 32


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A growing tree, 64 bytes an entry: `levels[h]` has the roots of its perfect subtrees of 2^h leaves.

    Nothing in it ever changes: proofs for any earlier size stay available while another thread lets it grow.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self.size = 0
        self.extend(leaves)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes."""
        self._levels[0] += b"".join(leaves)
        size = len(self._levels[0]) // HASH
        height, width = 0, size
        while width := width >> 1:
            below, height = self._levels[height], height + 1
            if height == len(self._levels):
                self._levels.append(bytearray())
            done = 2 * len(self._levels[height])
            fresh = bytes(below[done : 2 * HASH * width])
            pairs = [fresh[at : at + 2 * HASH] for at in range(0, len(fresh), 2 * HASH)]
            self._levels[height] += b"".join([sha256(b"\1" + pair).digest() for pair in pairs])
        self.size = size  # last: a reader finds every node below what it is told

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves; all by default."""
        end = self._within(self.size if size is None else size)
        return self._span(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the path of leaf `index` in the tree of the first `size` leaves, from the leaf up."""
        low, high, path = 0, self._within(size), []
        if not 0 <= index < size:
            raise IndexError(index)
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._span(middle, high))
                high = middle
            else:
                path.append(self._span(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of the first `first` leaves is a prefix of that of `second`."""
        if not 0 < first < self._within(second):
            if first in {0, second}:
                return []
            raise IndexError(first)
        low, high, path, whole = 0, second, [], True
        while first != high:
            middle = low + _split(high - low)
            if first <= middle:
                path.append(self._span(middle, high))
                high = middle
            else:
                path.append(self._span(low, middle))
                low, whole = middle, False
        return ([] if whole else [self._span(low, high)]) + path[::-1]

    def _within(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise IndexError(size)
        return size

    def _node(self, height: int, index: int) -> bytes:
        return bytes(self._levels[height][HASH * index : HASH * index + HASH])

    def _span(self, low: int, high: int) -> bytes:
        width = high - low
        if width & (width - 1) == 0 and low % width == 0:
            height = width.bit_length() - 1
            return self._node(height, low >> height)
        middle = low + _split(width)
        return node_hash(self._span(low, middle), self._span(middle, high))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return Tree(leaves).root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path of leaf `index`, from the leaf up; raises IndexError."""
    return Tree(leaves).inclusion(index, len(leaves))


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the proof that the tree of the first `first` leaves is a prefix of all; raises IndexError."""
    return Tree(leaves).consistency(first, len(leaves))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Return when the leaf hash stands at `index` of the tree of that root (RFC 9162, 2.1.3.2).

    Raises:
        SignatureInvalid: it does not.
    """
    _check_hashes(leaf, root, *path)
    if not 0 <= index < size:
        raise SignatureInvalid(f"leaf {index} cannot be in a tree of {size}")
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise SignatureInvalid("the inclusion path is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            at, last = _up(at, last)
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise SignatureInvalid(f"leaf {index} is not in the tree of size {size} that was signed")


def verify_consistency(
    first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Return when the tree of `second` leaves extends that of `first` (RFC 9162, 2.1.4.2).

    Raises:
        SignatureInvalid: it does not, or the proof does not show it.
    """
    _check_hashes(first_root, second_root, *path)
    if first == second and not path and first_root == second_root:
        return
    if not 0 < first < second or not path:
        raise SignatureInvalid(f"no proof that {second} entries extend {first}")
    start, *rest = path if first & (first - 1) else [first_root, *path]
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = start
    for sibling in rest:
        if last == 0:
            raise SignatureInvalid("the consistency path is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _up(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last or (old, new) != (first_root, second_root):
        raise SignatureInvalid(f"the tree of {second} entries does not extend the one of {first}")


def _up(at: int, last: int) -> tuple[int, int]:
    """Climb to where the node is a right child: levels at which it had no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _split(width: int) -> int:
    """Return the largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH for one in hashes):
        raise SignatureInvalid("a hash in the proof has not 32 bytes")
