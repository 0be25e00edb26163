"""The check before anything is believed: the rows are what was appended, and what was signed.

Everything is recomputed from the entries and compared with the last signed checkpoint and with every other
table. Entries after that checkpoint, which nobody signed yet, are admitted anew one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from assay.contracts import SignedFact
from assay.errors import BadRequest, ServiceError, SignatureInvalid
from assay.ledger import Checkpoint, LogForked, LogTruncated, Record, Root
from assay.ledger.admission import admit
from assay.ledger.checkpoint import open_note
from assay.ledger.known import Known, Maps
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.adapters.sqlite import Row
from services.ledger.errors import StoreEdited

_PAGE = 512


class Stored(Protocol):
    """The rows as they were found."""

    def size(self) -> int:
        """Return one past the last entry's index."""

    def stored(self) -> Iterator[Row]:
        """Yield every entry in order."""

    def find(self, digest: bytes) -> int | None:
        """Return the index of a fact."""

    def heads(self) -> dict[str, str]:
        """Return each head's digest by what it is about."""

    def revoked(self) -> dict[bytes, bytes]:
        """Return each standing revocation's fact by what it revokes."""

    def digests(self) -> int:
        """Return how many facts are filed by digest."""

    def last_note(self) -> str | None:
        """Return the newest saved checkpoint."""


@dataclass
class State:
    """What the entries say: the writer's private state."""

    known: Known
    tree: Tree = field(default_factory=Tree)
    maps: Maps = field(default_factory=Maps)
    signed: Checkpoint | None = None


def recover(rows: Stored, root: Root) -> State:
    """Return the state of a store that is whole.

    Raises:
        LogTruncated: entries that were signed are missing.
        LogForked: the entries are not those that were signed.
        StoreEdited: a row is not what was appended; the detail names it.
    """
    state = State(Known(root), signed=_last_signed(rows, root))
    signed_size = state.signed.size if state.signed else 0
    if signed_size > rows.size():
        raise LogTruncated(f"the store holds {rows.size()} entries and {signed_size} were signed")
    pending: list[Record] = []
    for row in rows.stored():
        pending.append(_take(rows, state, row, admitted=row.position < signed_size))
        if len(pending) == _PAGE or row.position + 1 == signed_size:
            state.maps, pending = state.maps.after(pending), []
        if row.position + 1 == signed_size:
            _compare_signed(state)
    state.maps = state.maps.after(pending)
    _compare_tables(rows, state)
    return state


def _last_signed(rows: Stored, root: Root) -> Checkpoint | None:
    note = rows.last_note()
    if note is None:
        return None
    try:
        return open_note(note, root.log_origin, root.log_key_pem)
    except SignatureInvalid as error:
        raise StoreEdited(f"the last checkpoint is not one of this log: {error}") from error


def _take(rows: Stored, state: State, row: Row, *, admitted: bool) -> Record:
    """Take one row that is what was appended; one that nobody signed yet must count on its own."""
    if row.position != state.tree.size:
        raise StoreEdited(f"entry {state.tree.size} is missing")
    try:
        record = Record(row.position, SignedFact.from_bytes(row.body))
    except BadRequest as error:
        raise StoreEdited(f"entry {row.position} is not an envelope: {error}") from error
    filed_at = rows.find(bytes.fromhex(record.digest))
    if (row.kind, row.about, filed_at) != (record.kind.value, record.about, record.index):
        raise StoreEdited(f"entry {row.position} is not what the store files it as")
    if record.fact.previous != state.known.heads.get(record.about):
        raise StoreEdited(f"entry {row.position} does not follow the head of {record.about}")
    if not admitted:
        _admit(state, record)
    state.tree.extend([leaf_hash(row.body)])
    state.known.apply(record)
    return record


def _admit(state: State, record: Record) -> None:
    try:
        admit(state.known, record.signed, record.index, state.tree.root)
    except ServiceError as error:
        raise StoreEdited(f"entry {record.index} does not count: {error.detail}") from error


def _compare_signed(state: State) -> None:
    signed = state.signed
    if signed is None:
        return
    found = (state.tree.root(), state.maps.revocations.root, state.maps.heads.root)
    if found != (signed.root, signed.revocations, signed.heads):
        raise LogForked(f"the first {signed.size} entries are not those that were signed")


def _compare_tables(rows: Stored, state: State) -> None:
    if rows.digests() != state.tree.size:
        raise StoreEdited("facts are filed by digest that are no entries")
    if rows.heads() != state.known.heads:
        raise StoreEdited("the head rows are not what the entries say")
    wanted = {key: state.maps.revocations.get(key) for key in rows.revoked()}
    if rows.revoked() != wanted or len(wanted) != state.known.revocations:
        raise StoreEdited("the revocation rows are not what the entries say")
