"""One spelling for proofs: what says the same in other bytes is refused, so that no byte of a bundle is free.

Base64 and hex can spell one value in several ways, and readers skip members they do not know. A bundle is
evidence: whoever compares two copies must be able to compare bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import SignedFact
from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    from assay.ledger import Root, VerifiedBundle
    from assay.ledger.cosignature import Authority

_LISTS: Final = ("roots", "entries", "revocations", "heads")
_LINES_OF_A_TEXT: Final = 6 + 1  # and a blank line


def check_spelling(proofs: Mapping[str, Any], proven: VerifiedBundle, root: Root) -> None:
    """Raise SignatureInvalid unless a proof bundle is spelled as its exporter would."""
    records = {record.index: record for record in proven.records.values()}
    _members(proofs, {"checkpoint", *_LISTS})
    if any(type(proofs[name]) is not list for name in _LISTS):
        raise SignatureInvalid(f"each of {', '.join(_LISTS)} is an array, also an empty one")
    if len(proofs["entries"]) != len(records):
        raise SignatureInvalid("an entry stands twice")
    _note(proofs["checkpoint"], root.authority_at(proven.checkpoint.size))
    for entry in proofs["entries"]:
        _entry(entry, lambda one: records[one["index"]].signed)
    for entry in proofs["roots"]:
        _entry(entry, lambda one: SignedFact.from_json(one["envelope"]))
    for one in proofs["revocations"]:
        _members(one, {"key", "proof"})
        _map_proof(one["proof"])
    for one in proofs["heads"]:
        _members(one, {"about", "proof"})
        _map_proof(one["proof"])


def _entry(entry: Mapping[str, Any], signed: Callable[[Mapping[str, Any]], SignedFact]) -> None:
    _members(entry, {"index", "envelope", "path"})
    if type(entry["index"]) is not int or signed(entry).to_json() != entry["envelope"]:
        raise SignatureInvalid("an entry or a root is spelled otherwise than ours")
    _base64(entry["path"])


def _note(note: str, authority: Authority) -> None:
    """The log's signature, then exactly the quorum's, in the root's order: each of them was verified."""
    *lines, end = note.split("\n")[_LINES_OF_A_TEXT:]
    signatures = [line.split(" ") for line in lines]
    names = [name for _, name, _ in signatures]
    witnesses = [one.name for one in authority.witnesses if one.name in names]
    if end or names != [authority.origin, *witnesses[: authority.quorum]]:
        raise SignatureInvalid("the checkpoint carries more signatures than it needs, or in another order")
    _base64([encoded for _, _, encoded in signatures])


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
