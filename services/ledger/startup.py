"""The check before anything is believed: the rows are what was appended, and what was signed.

Everything is recomputed from the entries and compared with the last signed checkpoint and with what the rows are
filed under. Entries after that checkpoint, which nobody signed yet, are admitted anew one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.contracts import SignedFact
from assay.errors import BadRequest, ServiceError, SignatureInvalid
from assay.ledger import Checkpoint, LogForked, LogTruncated, Record, Root
from assay.ledger.admission import admit
from assay.ledger.checkpoint import open_note
from assay.ledger.known import Known, Maps
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.errors import StoreEdited
from services.ledger.ports import Row, Rows

_PAGE = 512


@dataclass
class State:
    """What the entries say: the writer's private state."""

    known: Known
    tree: Tree = field(default_factory=Tree)
    maps: Maps = field(default_factory=Maps)
    signed: Checkpoint | None = None


def recover(rows: Rows, root: Root) -> State:
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
        pending.append(_take(state, row, admitted=row.position < signed_size))
        if len(pending) == _PAGE or row.position + 1 == signed_size:
            state.maps, pending = state.maps.after(pending), []
        if row.position + 1 == signed_size:
            _compare_signed(state)
    state.maps = state.maps.after(pending)
    return state


def _last_signed(rows: Rows, root: Root) -> Checkpoint | None:
    note = rows.last_note()
    if note is None:
        return None
    try:
        return open_note(note, root.log_origin, root.log_key_pem)
    except SignatureInvalid as error:
        raise StoreEdited(f"the last checkpoint is not one of this log: {error}") from error


def _take(state: State, row: Row, *, admitted: bool) -> Record:
    """Take one row that is what was appended; one that nobody signed yet must count on its own."""
    if row.position != state.tree.size:
        raise StoreEdited(f"entry {state.tree.size} is missing")
    try:
        record = Record(row.position, SignedFact.from_bytes(row.body))
    except BadRequest as error:
        raise StoreEdited(f"entry {row.position} is not an envelope: {error}") from error
    if (row.kind, row.about, row.digest.hex()) != (record.kind.value, record.about, record.digest):
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
