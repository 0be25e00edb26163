"""The registry's evidence packs verify as they leave, whatever is said meanwhile."""

from __future__ import annotations

import time

import pytest

from assay.custody.errors import ChainRevoked
from assay.custody.pack import VerifiedPack, verify_pack
from assay.custody.pack_page import read_page
from assay.errors import SignatureInvalid
from services.registry.errors import UnknownVersion
from services.registry.packing import Packing
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import Desk
from tests.unit.registry.test_stating import CARD, RISK


def packed(desk: Desk, number: int = 1) -> VerifiedPack:
    """Make a version's pack and verify it, as somebody else would."""
    _, page = Packing(desk.registry).page(MODEL, number)
    return verify_pack(read_page(page), desk.world.root, now=time.time())


def test_a_pack_holds_what_was_derived_written_and_said(registered: Desk) -> None:
    dana = registered.person("dana")
    registered.stating.derive(MODEL, 1)
    registered.stating.write(MODEL, 1, "model-card", CARD, valid_until=None, by=dana)
    registered.stating.write(MODEL, 1, "risk-record", RISK, valid_until=None, by=dana)
    registered.approved()
    registered.promote()
    name, page = Packing(registered.registry).page(MODEL, 1)
    found = packed(registered)
    assert name == "credit-default-1.html"
    assert {one.fact.body["type"] for one in found.chain.evidence} == {
        "data",
        "scan",
        "sbom",
        "model-card",
        "risk-record",
    }
    assert [word.why_not for word in found.words] == [None, None]
    for words in ("alias/prod/credit-default@champion", "Something about intended_use.", "Unfair refusal"):
        assert words.encode() in page


def test_a_pack_of_a_revoked_version_is_made_and_does_not_verify(registered: Desk) -> None:
    version = registered.registry.believed.version(MODEL, 1)
    registered.world.revoke(version.digest, "the version")
    with pytest.raises(ChainRevoked):
        packed(registered)


def test_of_what_was_never_registered_there_is_no_pack(registered: Desk) -> None:
    with pytest.raises(UnknownVersion):
        Packing(registered.registry).page(MODEL, 2)


def test_a_document_changed_in_the_store_gives_no_pack(registered: Desk) -> None:
    registered.stating.derive(MODEL, 1)
    record, _ = registered.stating.document(MODEL, 1, "scan")
    content = record.fact.body["content"]
    (kept,) = (registered.folder / "objects").rglob(f"*{content}*")
    kept.write_bytes(kept.read_bytes() + b" ")
    with pytest.raises(SignatureInvalid):
        Packing(registered.registry).page(MODEL, 1)
