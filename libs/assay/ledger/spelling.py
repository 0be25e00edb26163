"""Notes and proofs in exactly our spelling: base64 has spare bits, and notes a last line end, that say nothing.

Who uses a proof need not care; who audits one says of every changed character that it was changed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from assay.errors import SignatureInvalid
from assay.ledger.checkpoint import Checkpoint, open_note
from assay.ledger.cosignature import open_checkpoint
from assay.ledger.root import Root


def open_exactly(note: str, root: Root, *, witnessed: bool = True) -> Checkpoint:
    """Return a note's checkpoint when it counts under the root and every character of it is as we write it.

    Without `witnessed` the log's own signature is enough: so the ledger's store keeps its notes.

    Raises:
        SignatureInvalid, NotWitnessed: it does not.
    """
    authority = root.authority_at(said_size(note))
    alone = open_note(note, authority.origin, authority.log_key_pem)
    checkpoint = open_checkpoint(note, root) if witnessed else alone
    text, _, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    well = lines.pop() == "" and len(set(lines)) == len(lines) and all(map(_is_signature, lines))
    if text + "\n" != checkpoint.text() or not well:
        raise SignatureInvalid("a note in another spelling than ours")
    return checkpoint


def _is_signature(line: str) -> bool:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    return dash == "—" and bool(name) and _is_exact(encoded)


def said_size(note: str) -> int:
    """Return the size a note says it has, which may be anything; 0 when it says none."""
    said = note.split("\n", 2)[1:2]
    return int(said[0][:18]) if said and said[0].isascii() and said[0].isdecimal() else 0


def require_exact_path(path: Sequence[Any]) -> None:
    """Return when hashes are spelled as we do; raises SignatureInvalid."""
    for one in path:
        if not isinstance(one, str) or not _is_exact(one):
            raise SignatureInvalid("a hash in another spelling than ours")


def _is_exact(encoded: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(encoded, validate=True)).decode() == encoded
    except (binascii.Error, ValueError):
        return False
