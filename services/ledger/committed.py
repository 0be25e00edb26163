"""A committed state of the log, as what is signed next; what that costs is paid when it is signed.

A writer commits a thousand times between two checkpoints and nobody asks for the maps in between: of all the
moves of one head only the last one changes a map.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.ledger import Record
from assay.ledger.known import Maps, head_key, revocations_of
from assay.ledger.tree import Tree


class Committed:
    """The log at a size. `root` and `maps` are made when first asked for; safe for any one thread that asks."""

    __slots__ = ("_before", "_heads", "_maps", "_revoked", "_tree", "size")

    def __init__(self, tree: Tree, maps: Maps | None) -> None:
        self.size = tree.size
        self._tree = tree
        self._maps = maps
        self._before: Committed | None = None
        self._heads: dict[bytes, bytes] = {}
        self._revoked: dict[bytes, bytes | None] = {}

    def after(self, records: Sequence[Record]) -> Committed:
        """Return the state once these records, which the tree holds already, are durable."""
        found = Committed(self._tree, None)
        found._before = self
        found._heads = {head_key(record.about): bytes.fromhex(record.digest) for record in records}
        found._revoked = dict(revocations_of(records))
        return found

    @property
    def root(self) -> bytes:
        """The root of the tree at this size."""
        return self._tree.root(self.size)

    @property
    def maps(self) -> Maps:
        """Both maps at this size."""
        if self._maps is None:
            self._maps = self._made()
            self._before = None
        return self._maps

    def _made(self) -> Maps:
        chain: list[Committed] = []
        at = self
        while at._maps is None and at._before is not None:
            chain.append(at)
            at = at._before
        heads: dict[bytes, bytes] = {}
        revoked: dict[bytes, bytes | None] = {}
        for one in reversed(chain):
            heads |= one._heads  # noqa: SLF001 - our own class
            revoked |= one._revoked  # noqa: SLF001
        made = at._maps or Maps()  # noqa: SLF001
        return Maps(made.heads.changed(heads), made.revocations.changed(revoked))
