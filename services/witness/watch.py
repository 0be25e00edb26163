"""Recomputing a log from its entries: the tree, both maps, and whether each entry counts."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import ServiceError
from assay.ledger import Checkpoint, LogForked, Record, Root
from assay.ledger.admission import admit
from assay.ledger.known import Known, Maps
from assay.ledger.tree import Tree, leaf_hash


class Watch:
    """What the entries so far say. One that met a contradiction is thrown away. Not safe for threads."""

    def __init__(self, root: Root) -> None:
        self.known = Known(root)
        self._tree = Tree()
        self._maps = Maps()
        self._digests: set[str] = set()

    @property
    def size(self) -> int:
        """The number of entries taken."""
        return self._tree.size

    def take(self, records: Sequence[Record], *, admitted: bool = False) -> None:
        """Take the next entries; `admitted` ones were judged before and are only counted.

        Raises:
            LogForked: one is not the next, does not follow its head, or does not count.
        """
        for record in records:
            self._take(record, admitted=admitted)
        self._maps = self._maps.after(records)

    def check(self, checkpoint: Checkpoint) -> None:
        """Return when a checkpoint says exactly what the entries say; raises LogForked."""
        recomputed = (self.size, self._tree.root(), self._maps.revocations.root, self._maps.heads.root)
        said = (checkpoint.size, checkpoint.root, checkpoint.revocations, checkpoint.heads)
        if recomputed != said:
            raise LogForked(f"the entries are not what the checkpoint of size {checkpoint.size} signs")

    def _take(self, record: Record, *, admitted: bool) -> None:
        if record.index != self.size or record.digest in self._digests:
            raise LogForked(f"entry {record.index} is not the next after {self.size}")
        if record.fact.previous != self.known.heads.get(record.about):
            raise LogForked(f"entry {record.index} does not follow the head of {record.about}")
        if not admitted:
            self._admit(record)
        self._tree.extend([leaf_hash(record.signed.to_bytes())])
        self._digests.add(record.digest)
        self.known.apply(record)

    def _admit(self, record: Record) -> None:
        try:
            admit(self.known, record.signed, record.index, self._tree.root)
        except ServiceError as error:
            raise LogForked(f"entry {record.index} does not count: {error.detail}") from error
