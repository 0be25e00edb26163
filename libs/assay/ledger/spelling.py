"""Notes and proofs in exactly our spelling: base64 has spare bits, and notes a last line end, that say nothing.

Who uses a proof need not care; who audits one says of every changed character that it was changed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from assay.errors import SignatureInvalid
from assay.ledger.checkpoint import Checkpoint, open_note
from assay.ledger.cosignature import open_checkpoint
from assay.ledger.root import Root

_LINE: Final = ("—", "name", "signature")


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
    names = [authority.origin, *(one.name for one in authority.witnesses)]
    well = lines.pop() == "" and _are_signatures(lines, names)
    if text + "\n" != checkpoint.text() or not well:
        raise SignatureInvalid("a note in another spelling than ours")
    return checkpoint


def _are_signatures(lines: Sequence[str], names: Sequence[str]) -> bool:
    """Say whether lines are by some of these names, each once and in their order."""
    parts = [line.split(" ") for line in lines]
    if any(len(one) != len(_LINE) or one[0] != _LINE[0] or not _is_exact(one[-1]) for one in parts):
        return False
    said = [name for _, name, _ in parts]
    return said == [name for name in names if name in said]


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
