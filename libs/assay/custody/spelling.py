"""One spelling for proofs: what says the same in other bytes is refused, so that no byte of a bundle is free.

Base64 and hex can spell one value in several ways, and readers skip members they do not know. A bundle is
evidence: whoever compares two copies must be able to compare bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    from assay.ledger import VerifiedBundle

_LINES_OF_A_NOTE: Final = 6 + 1 + 1 + 1  # text, a blank line, one signature, the end


def check_spelling(proofs: Mapping[str, Any], proven: VerifiedBundle) -> None:
    """Raise SignatureInvalid unless a proof bundle is spelled as its exporter would."""
    records = {record.index: record for record in proven.records.values()}
    _members(proofs, {"checkpoint", "entries", "revocations", "heads"})
    if len(proofs["checkpoint"].split("\n")) != _LINES_OF_A_NOTE or len(proofs["entries"]) != len(records):
        raise SignatureInvalid("the checkpoint carries more than it needs, or an entry stands twice")
    _base64(proofs["checkpoint"].rstrip("\n").rpartition(" ")[2:])
    for entry in proofs["entries"]:
        _members(entry, {"index", "envelope", "path"})
        if type(entry["index"]) is not int or records[entry["index"]].signed.to_json() != entry["envelope"]:
            raise SignatureInvalid("an entry is spelled otherwise than ours")
        _base64(entry["path"])
    for one in proofs["revocations"]:
        _members(one, {"key", "proof"})
        _map_proof(one["proof"])
    for one in proofs["heads"]:
        _members(one, {"about", "proof"})
        _map_proof(one["proof"])


def _map_proof(proof: Mapping[str, Any]) -> None:
    _members(proof, {"siblings", "leaf"})
    _base64(proof["siblings"])
    if proof["leaf"] is not None:
        _members(proof["leaf"], {"key", "value"})
        if any(bytes.fromhex(text).hex() != text for text in proof["leaf"].values()):
            raise SignatureInvalid("a proof's leaf is spelled otherwise than ours")


def _members(found: Mapping[str, Any], wanted: set[str]) -> None:
    if not isinstance(found, dict) or set(found) != wanted:
        raise SignatureInvalid(f"a proof has other members than {', '.join(sorted(wanted))}")


def _base64(texts: Sequence[str]) -> None:
    if not isinstance(texts, list | tuple) or any(
        base64.b64encode(base64.b64decode(text, validate=True)).decode() != text for text in texts
    ):
        raise SignatureInvalid("a hash in a proof is spelled otherwise than ours")
