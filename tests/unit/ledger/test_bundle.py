"""What a file says of heads and revocations is read from the facts that stand there, whatever a log signed."""

from __future__ import annotations

import pytest

from assay.contracts import Fact, FactKind, SignedFact
from assay.errors import SignatureInvalid
from assay.ledger import Checkpoint, Record
from assay.ledger.bundle import _head, _revocation
from assay.ledger.known import head_key
from assay.ledger.maps import MerkleMap, map_of

TIME = "2026-01-01T00:00:00Z"
KEY = "ab" * 32


def record(kind: FactKind, about: str, body: dict[str, object]) -> Record:
    return Record(1, SignedFact(Fact(kind, about, "demo", TIME, body), "0" * 64, b""))


def signed(heads: MerkleMap, revocations: MerkleMap) -> Checkpoint:
    """Return what a log says that signs any maps."""
    return Checkpoint("log", 2, bytes(32), revocations.root, heads.root, 1)


def revocation(revokes: str) -> Record:
    body: dict[str, object] = {"revokes": revokes, "what": "x", "reason": "y", "by": "p-a", "ended": False}
    return record(FactKind.REVOCATION, f"revocation/{revokes}", body)


def test_a_head_is_a_fact_about_that_very_thing() -> None:
    fact = record(FactKind.RUN, "run/other", {})
    heads = map_of({head_key("run/mine"): bytes.fromhex(fact.digest)})
    one = {"about": "run/mine", "proof": heads.prove(head_key("run/mine"))}
    with pytest.raises(SignatureInvalid, match="about something else"):
        _head(one, signed(heads, MerkleMap()), {fact.digest: fact})
    own = record(FactKind.RUN, "run/mine", {})
    heads = map_of({head_key("run/mine"): bytes.fromhex(own.digest)})
    one = {"about": "run/mine", "proof": heads.prove(head_key("run/mine"))}
    assert _head(one, signed(heads, MerkleMap()), {own.digest: own}) == own.digest


def test_a_revocation_is_a_fact_that_revokes_that_very_key() -> None:
    fact = revocation("cd" * 32)
    revocations = map_of({bytes.fromhex(KEY): bytes.fromhex(fact.digest)})
    one = {"key": KEY, "proof": revocations.prove(bytes.fromhex(KEY))}
    with pytest.raises(SignatureInvalid, match="is another fact"):
        _revocation(one, signed(MerkleMap(), revocations), {fact.digest: fact})
    true = revocation(KEY)
    revocations = map_of({bytes.fromhex(KEY): bytes.fromhex(true.digest)})
    one = {"key": KEY, "proof": revocations.prove(bytes.fromhex(KEY))}
    found = _revocation(one, signed(MerkleMap(), revocations), {true.digest: true})
    assert found is not None
    assert found.revokes == KEY
