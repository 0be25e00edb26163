"""What a version's package and people say of it in words: the card, the written model card, the risk record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.contracts import Evidence, body_of, strict_json
from assay.custody.card import Card, read_card
from assay.custody.package import CARD_FILE
from assay.ledger import Record
from services.registry.domain import VersionRow
from services.registry.errors import EvidenceUnknown
from services.registry.evidence.documents import CARD, RISK, ModelCard
from services.registry.evidence.stating import Stating


@dataclass(frozen=True)
class Written:
    """A document that a person stated: its members as they wrote them, and the fact that names it."""

    record: Record
    document: Mapping[str, Any]

    @property
    def by(self) -> str:
        """Who wrote it."""
        return str(self.record.fact.body["by"])

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Return a card's headings and texts, in the order of the headings."""
        return [
            (name.replace("_", " ").capitalize(), str(self.document[name])) for name in ModelCard.model_fields
        ]


@dataclass(frozen=True)
class Stated:
    """A statement's document as it is kept, spelled over several lines, and the fact that names it."""

    record: Record
    text: str

    @property
    def body(self) -> Evidence:
        """What the fact says."""
        return body_of(self.record.fact, Evidence)


def stated_shown(stating: Stating, model: str, number: int, kind: str) -> Stated:
    """Return the newest standing document of a type, its bytes checked; raises EvidenceUnknown, UnknownVersion."""
    record, data = stating.document(model, number, kind)
    return Stated(record, json.dumps(strict_json(data), indent=2, ensure_ascii=False))


@dataclass(frozen=True)
class Documents:
    """The card in the package, and what people wrote; None where nobody did."""

    card: Card
    model_card: Written | None
    risk: Written | None


def documents_shown(stating: Stating, model: str, number: int) -> Documents:
    """Return a version's documents, every byte checked; raises UnknownVersion, SignatureInvalid."""
    registry = stating.registry
    package = VersionRow.of(registry.believed.version(model, number)).package
    card = read_card({CARD_FILE: registry.packages.file(package, CARD_FILE)})
    return Documents(card, _written(stating, model, number, CARD), _written(stating, model, number, RISK))


def _written(stating: Stating, model: str, number: int, kind: str) -> Written | None:
    try:
        record, data = stating.document(model, number, kind)
    except EvidenceUnknown:
        return None
    return Written(record, strict_json(data))
