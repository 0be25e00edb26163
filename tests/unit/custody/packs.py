"""A world with an evidence pack, and what a forger does to one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from assay.contracts import SignedFact, canonical, sha256_hex
from assay.custody.pack import VerifiedPack, export_pack, verify_pack
from assay.custody.pack_page import START, read_page, render
from assay.custody.package import manifest
from assay.ledger import Record
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.world import World

CARD = {
    "model_details": "a tree <script>alert(1)</script>",
    "intended_use": "score\u202e applications",
    "factors": ["age", "sex"],
}
SLICES = {"sex": {"<b>f</b>": {"auc": 0.75, "n": 40.0}, "m": {"auc": 0.5, "n": 60.0}}}
DRAWN = {"roc": [[0.0, 0.0], [0.25, 0.75], [1.0, 1.0]], "calibration": [[0.1, 0.2, 50.0], [0.5, 0.4, 50.0]]}
RISKS = {"map": {"context": "credit"}, "residual": 0.25}


class Packed:
    """A world with an approved version, two written documents, and its pack."""

    def __init__(self, folder: Path, *, approved: bool = True) -> None:
        folder.mkdir(exist_ok=True)
        self.world = World(folder)
        self.candidate: Candidate = registered(self.world, slices=SLICES, drawn=DRAWN)
        self.documents = {sha256_hex(canonical(one)): canonical(one) for one in (CARD, RISKS)}
        self.state("model-card", CARD)
        self.state("risk-record", RISKS, figures={"risks": 1.0})
        self.judgement = self.candidate.approved() if approved else self.candidate.judged()
        self.keep(canonical(manifest(self.candidate.files)))
        self.keep(self.candidate.files["card.json"])
        self.keep(self.candidate.signature)
        self.bundle = self.again()
        self.page = render(self.bundle)
        self.now = self.world.log.checkpoint().time_ms / 1000

    def keep(self, data: bytes) -> None:
        """Keep a document, as the registry's store does."""
        self.documents[sha256_hex(data)] = data

    def state(self, kind: str, document: dict[str, Any], **more: object) -> Record:
        """State a document about the package, and keep it."""
        self.keep(canonical(document))
        package = self.candidate.version.fact.body["package"]
        return self.world.evidence(package, kind, canonical(document), **more)

    def again(self) -> dict[str, Any]:
        """Make the pack anew."""
        world = self.world
        return export_pack(
            self.candidate.version.digest,
            world.log,
            world.follower,
            world.root,
            self.documents.__getitem__,
        )

    def verify(self, page: bytes | None = None, **more: Any) -> VerifiedPack:  # noqa: ANN401
        """Verify a page offline."""
        page = render(self.again()) if page is None else page
        now = more.pop("now", self.world.log.checkpoint().time_ms / 1000)
        return verify_pack(read_page(page), self.world.root, now=now, **more)


def shown(page: bytes) -> str:
    """Return what a reader sees: the page without the statements it carries."""
    return page.decode().partition(START)[0]


def remade(packed: Packed, change: Any) -> bytes:  # noqa: ANN401 - a function of the bundle
    """Return the page a forger makes of changed statements."""
    bundle = copy.deepcopy(packed.bundle)
    change(bundle)
    return render(bundle)


def entry_of(bundle: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return the entry of a fact."""
    return next(
        one
        for one in bundle["proofs"]["entries"]
        if SignedFact.from_json(one["envelope"]).fact.digest == digest
    )
