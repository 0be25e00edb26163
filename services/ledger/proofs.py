"""Proofs, made against a published checkpoint and never against a newer state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.errors import BadRequest
from assay.ledger import Record
from assay.ledger.bundle import entry_json, path_json
from assay.ledger.known import head_key
from services.ledger.log import Log
from services.ledger.publishing import Published

PATIENCE_SECONDS: Final = 5.0  # for the checkpoint that covers what was just appended


@dataclass(frozen=True)
class Asked:
    """What a bundle shall prove: facts by digest, keys revoked or not, heads; at a log of at least this size."""

    digests: Sequence[str] = ()
    revocations: Sequence[str] = ()
    heads: Sequence[str] = ()
    at_least: int = 0


class Proofs:
    """Proofs over a log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def bundle(self, asked: Asked) -> dict[str, Any]:
        """Return a proof bundle (see `assay.ledger.bundle`); raises NotFound for a fact that is in no entry."""
        if asked.at_least > self._log.tree.size:  # nobody waits here for what was never acknowledged
            raise BadRequest(f"the log holds {self._log.tree.size} entries, not {asked.at_least}")
        indexes = {self._log.index(digest) for digest in asked.digests}
        at_least = max([asked.at_least, 1, *(index + 1 for index in indexes)])
        published = self._log.publisher.covering(at_least, PATIENCE_SECONDS)
        revocations = [self._revocation(published, key) for key in dict.fromkeys(asked.revocations)]
        heads = [self._head(published, about) for about in dict.fromkeys(asked.heads)]
        named = [one.pop("named") for one in (*revocations, *heads)]
        indexes.update(self._log.index(digest.hex()) for digest in named if digest is not None)
        return {
            "checkpoint": published.checkpoint.note,
            "roots": [
                self._entry(published, index)
                for index in self._log.successions()
                if index < published.checkpoint.size
            ],
            "entries": [self._entry(published, index) for index in sorted(indexes)],
            "revocations": revocations,
            "heads": heads,
        }

    def inclusion(self, digest: str, size: int) -> dict[str, Any]:
        """Return a fact's place and path in the tree of `size` entries."""
        index = self._log.index(digest)
        try:
            path = self._log.tree.inclusion(index, self._published(size))
        except IndexError as error:
            raise BadRequest(f"fact {digest} stands at {index}, beyond size {size}") from error
        return {"index": index, "size": size, "path": path_json(path)}

    def consistency(self, first: int, second: int) -> dict[str, Any]:
        """Return the proof that the log of `second` entries continues that of `first`."""
        try:
            path = self._log.tree.consistency(first, self._published(second))
        except IndexError as error:
            raise BadRequest(f"size {first} is not within size {second}") from error
        return {"first": first, "second": second, "path": path_json(path)}

    def _published(self, size: int) -> int:
        newest = self._log.publisher.newest().checkpoint.size
        if not 0 <= size <= newest:
            raise BadRequest(f"the log has signed {newest} entries, not {size}")
        return size

    def _entry(self, published: Published, index: int) -> dict[str, Any]:
        record: Record = self._log.entry(index)
        return entry_json(record, self._log.tree.inclusion(index, published.checkpoint.size))

    def _revocation(self, published: Published, key: str) -> dict[str, Any]:
        revocations, raw = published.maps.revocations, bytes.fromhex(key)
        return {"key": key, "proof": revocations.prove(raw), "named": revocations.get(raw)}

    def _head(self, published: Published, about: str) -> dict[str, Any]:
        heads, key = published.maps.heads, head_key(about)
        return {"about": about, "proof": heads.prove(key), "named": heads.get(key)}
