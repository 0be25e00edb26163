"""An audit of proofs: each one judged by itself, so that what was changed is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.errors import ServiceError, SignatureInvalid
from assay.ledger.auditing import Finding, Kept, leaves_of
from assay.ledger.bundle import read_bundle, read_path
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.root import Root
from assay.ledger.spelling import open_exactly, require_exact_path, said_size
from assay.ledger.tree import root_of, verify_consistency

Asked = Mapping[str, Sequence[str]]


def audit_proofs(
    bundle: Mapping[str, Any], path: Sequence[str], root: Root, kept: Kept, asked: Asked
) -> tuple[Finding, ...]:
    """Judge a proof bundle (see `assay.ledger.bundle`) and the proof that its log continues the one kept.

    `path` leads from the kept checkpoint to the bundle's. `asked` names what was asked for: `entries` by digest,
    `revocations` by key, `heads` by about. A finding names the checkpoint, or a proof by its place in its list.
    """
    note = str(bundle.get("checkpoint"))
    size = said_size(note)
    try:
        checkpoint = open_exactly(note, root)
    except ServiceError as error:
        return (Finding("checkpoint", size, size, error.detail),)
    found = _continued(checkpoint, path, kept)
    bare = {"checkpoint": note, "roots": bundle["roots"], "entries": [], "revocations": [], "heads": []}
    try:
        read_bundle(bare, root)
    except ServiceError as error:
        return (*found, Finding("roots proof", 0, len(bundle["roots"]), error.detail))
    shown, entries = _entries(bundle, bare, root)
    found += shown
    for member in ("revocations", "heads"):
        found += _of_maps(bundle, member, {**bare, "entries": list(entries.values())}, root)
    return tuple(found + _missing(bundle, entries, asked))


def _continued(checkpoint: Checkpoint, path: Sequence[str], kept: Kept) -> list[Finding]:
    try:
        require_exact_path(path)
        _require_continued(checkpoint, read_path(path), kept)
    except SignatureInvalid as error:
        return [Finding("consistency proof", kept.checkpoint.size, checkpoint.size, error.detail)]
    return []


def _require_continued(checkpoint: Checkpoint, path: Sequence[bytes], kept: Kept) -> None:
    last = kept.checkpoint
    if checkpoint.size > last.size:
        verify_consistency(last.size, checkpoint.size, path, last.root, checkpoint.root)
    elif path or (checkpoint.size == last.size and not checkpoint.same_log(last)):
        raise SignatureInvalid("it is another log than the one that was kept")
    elif (
        checkpoint.size < last.size and root_of(leaves_of(kept.leaves)[: checkpoint.size]) != checkpoint.root
    ):
        raise SignatureInvalid("it is no beginning of the log that was kept")


def _entries(
    bundle: Mapping[str, Any], bare: Mapping[str, Any], root: Root
) -> tuple[list[Finding], dict[str, Any]]:
    """Return what is wrong with the proofs of entries, and those that hold by digest."""
    found: list[Finding] = []
    held: dict[str, Any] = {}
    for at, one in enumerate(bundle["entries"]):
        try:
            proven = read_bundle({**bare, "entries": [one]}, root)
            require_exact_path(one["path"])
            held.update(dict.fromkeys(proven.records, one))
        except ServiceError as error:
            found.append(Finding("entry proof", at, at, error.detail))
    return found, held


def _of_maps(bundle: Mapping[str, Any], member: str, bare: Mapping[str, Any], root: Root) -> list[Finding]:
    found = []
    for at, one in enumerate(bundle[member]):
        try:
            read_bundle({**bare, member: [one]}, root)
            require_exact_path(one["proof"]["siblings"])
        except ServiceError as error:
            found.append(Finding(f"{member} proof", at, at, error.detail))
    return found


def _missing(bundle: Mapping[str, Any], entries: Mapping[str, Any], asked: Asked) -> list[Finding]:
    shown = {
        "entries": set(entries),
        "revocations": {one.get("key") for one in bundle["revocations"]},
        "heads": {one.get("about") for one in bundle["heads"]},
    }
    return [
        Finding(f"{member} proof", at, at, f"there is none of {one}")
        for member, wanted in asked.items()
        for at, one in enumerate(wanted)
        if one not in shown[member]
    ]
