"""The check before anything is believed: the rows are what was appended, and what was signed.

Everything is recomputed from the entries and compared with the last signed checkpoint and with what the rows are
filed under. What that checkpoint covers was admitted once and is read in outline; entries after it, which nobody
signed yet, are admitted anew one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from assay.contracts import SignedFact
from assay.errors import BadRequest, ServiceError, SignatureInvalid
from assay.ledger import Checkpoint, LogForked, LogTruncated, Record, Root
from assay.ledger.admission import admit
from assay.ledger.checkpoint import open_note
from assay.ledger.known import INERT, Known, Maps, head_key, revocations_of
from assay.ledger.maps import map_of
from assay.ledger.outline import outline_of
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.errors import StoreEdited
from services.ledger.ports import Row, Rows

_PAGE: Final = 1024


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
    stored = rows.stored()
    if state.signed is not None:
        if state.signed.size > rows.size():
            raise LogTruncated(f"the store holds {rows.size()} entries and {state.signed.size} were signed")
        _take_signed(state, islice(stored, state.signed.size), state.signed)
    while page := list(islice(stored, _PAGE)):
        state.maps = state.maps.after([_take_new(state, row) for row in page])
    return state


def _last_signed(rows: Rows, root: Root) -> Checkpoint | None:
    note = rows.last_note()
    if note is None:
        return None
    try:
        return open_note(note, root.log_origin, root.log_key_pem)
    except SignatureInvalid as error:
        raise StoreEdited(f"the last checkpoint is not one of this log: {error}") from error


def _take_signed(state: State, rows: Iterator[Row], signed: Checkpoint) -> None:
    """Take the entries that a checkpoint covers, whose tree and maps must be the ones it signs."""
    revoked: dict[bytes, bytes | None] = {}
    while page := list(islice(rows, _PAGE)):
        start = state.tree.size
        state.tree.extend([leaf_hash(row.body) for row in page])
        for index, row in enumerate(page, start):
            if told := _take_outline(state.known, index, row):
                revoked.update(told)
    heads = {head_key(about): bytes.fromhex(digest) for about, digest in state.known.heads.items()}
    standing = {key: digest for key, digest in revoked.items() if digest is not None}
    state.maps = Maps(map_of(heads), map_of(standing))
    found = (state.tree.root(), state.maps.revocations.root, state.maps.heads.root)
    if found != (signed.root, signed.revocations, signed.heads):
        raise LogForked(f"the first {signed.size} entries are not those that were signed")


def _take_outline(known: Known, index: int, row: Row) -> Sequence[tuple[bytes, bytes | None]]:
    """Take one row that was admitted; return what it revokes."""
    try:
        outline = outline_of(row.body)
    except BadRequest as error:
        raise _not_an_envelope(index, error) from error
    _require_filed(row, index, outline.kind, outline.about, outline.digest)
    _require_next(known, index, outline.about, outline.previous)
    if outline.kind in INERT:
        known.pass_by(outline.kind, outline.about, outline.tenant, outline.digest)
        return ()
    record = _read(row, index)
    known.apply(record)
    return revocations_of([record])


def _take_new(state: State, row: Row) -> Record:
    """Take one row that nobody signed yet: it must count on its own."""
    index = state.tree.size
    record = _read(row, index)
    _require_filed(row, index, record.kind, record.about, record.digest)
    _require_next(state.known, index, record.about, record.fact.previous)
    try:
        admit(state.known, record.signed, record.index, state.tree.root)
    except ServiceError as error:
        raise StoreEdited(f"entry {record.index} does not count: {error.detail}") from error
    state.tree.extend([leaf_hash(row.body)])
    state.known.apply(record)
    return record


def _read(row: Row, index: int) -> Record:
    try:
        return Record(index, SignedFact.from_bytes(row.body))
    except BadRequest as error:
        raise _not_an_envelope(index, error) from error


def _require_filed(row: Row, index: int, kind: str, about: str, digest: str) -> None:
    position, stored, row_kind, row_about, _ = row
    if position != index:
        raise StoreEdited(f"entry {index} is missing")
    if row_about != about or row_kind != kind or stored.hex() != digest:
        raise StoreEdited(f"entry {index} is not what the store files it as")


def _require_next(known: Known, index: int, about: str, previous: str | None) -> None:
    if previous != known.heads.get(about):
        raise StoreEdited(f"entry {index} does not follow the head of {about}")


def _not_an_envelope(index: int, error: BadRequest) -> StoreEdited:
    return StoreEdited(f"entry {index} is not an envelope: {error}")
