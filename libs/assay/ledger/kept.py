"""What an auditor keeps between two audits: a folder with a note and the leaf hashes under it."""

from __future__ import annotations

from pathlib import Path

from assay.errors import ServiceError
from assay.ledger.auditing import Kept
from assay.ledger.errors import LogForked
from assay.ledger.root import Root
from assay.ledger.spelling import open_exactly

NOTE = "note"
LEAVES = "leaves"


def load_kept(folder: Path, root: Root) -> Kept | None:
    """Return what the last audit kept, or None before the first; raises LogForked when it is damaged."""
    try:
        note = (folder / NOTE).read_text()
        leaves = (folder / LEAVES).read_bytes()
    except FileNotFoundError:
        return None
    return _kept(note, leaves, folder, root)


def kept_note(file: Path, root: Root) -> Kept:
    """Return a checkpoint that somebody kept as a file; raises LogForked when it is none of this log."""
    return _kept(file.read_text(), b"", file, root)


def save_kept(folder: Path, kept: Kept, root: Root) -> None:
    """Keep this from here on; a crash leaves the old or the new, or a pair that is refused as damaged.

    Raises NotWitnessed when the checkpoint is not cosigned as the root demands: nothing is kept.
    """
    open_exactly(kept.checkpoint.note, root)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((LEAVES, kept.leaves), (NOTE, kept.checkpoint.note.encode())):
        partial = folder / f"{name}.partial"
        partial.write_bytes(data)
        partial.replace(folder / name)


def _kept(note: str, leaves: bytes, where: Path, root: Root) -> Kept:
    try:
        return Kept(open_exactly(note, root), leaves)
    except ServiceError as error:
        raise LogForked(
            f"{where} holds no checkpoint of this log: {error.detail}",
            fix="look who changed it; then audit with a checkpoint that somebody else kept",
        ) from error
