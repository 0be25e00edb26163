"""The model card of a package: a CycloneDX 1.6 ML-BOM in `card.json`, by training, for approvers.

Only what an approver cannot do without is demanded: the model's name, what it is for, what it must not be
used for and which data it was made from. CycloneDX tools read the file as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.contracts import canonical, sha256_hex, strict_json
from assay.custody.errors import NoModelCard
from assay.custody.package import CARD_FILE, PackageFiles
from assay.errors import BadRequest


@dataclass(frozen=True)
class Card:
    """What a model card says. `datasets` are digests of feature-set facts."""

    model: str
    intended_use: tuple[str, ...]
    limitations: tuple[str, ...]
    datasets: tuple[str, ...]
    metrics: Mapping[str, float]


def model_card(
    model: str,
    *,
    intended_use: Sequence[str],
    limitations: Sequence[str],
    datasets: Sequence[str],
    metrics: Mapping[str, float] | None = None,
    approach: str = "supervised",
    task: str = "classification",
) -> bytes:
    """Return `card.json`. `metrics` are the run's own claims; the evaluator's stand in its fact."""
    card = {
        "modelParameters": {
            "approach": {"type": approach},
            "task": task,
            "datasets": [
                {"type": "dataset", "name": "feature-set", "contents": {"url": f"urn:assay:fact:{digest}"}}
                for digest in datasets
            ],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": repr(float(value))} for name, value in sorted((metrics or {}).items())
            ]
        },
        "considerations": {
            "useCases": list(intended_use),
            "technicalLimitations": list(limitations),
        },
    }
    component = {"type": "machine-learning-model", "name": model, "bom-ref": model, "modelCard": card}
    return canonical(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": component}}
    )


def card_digest(files: PackageFiles) -> str:
    """Return SHA-256 of a package's card.json; raises NoModelCard."""
    if CARD_FILE not in files:
        raise NoModelCard(f"the package has no {CARD_FILE}")
    return sha256_hex(files[CARD_FILE])


def read_card(files: PackageFiles) -> Card:
    """Read a package's card; raises NoModelCard when it is missing or leaves out what approvers need."""
    card_digest(files)
    try:
        card = _card(strict_json(files[CARD_FILE]))
    except (BadRequest, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoModelCard(f"{CARD_FILE} is no CycloneDX 1.6 model card: {error!r}") from error
    missing = [
        name for name in ("model", "intended_use", "limitations", "datasets") if not getattr(card, name)
    ]
    if missing:
        raise NoModelCard(f"{CARD_FILE} leaves out {', '.join(missing)}")
    return card


def _card(document: Mapping[str, Any]) -> Card:
    if document["bomFormat"] != "CycloneDX" or document["specVersion"] != "1.6":
        raise ValueError("not CycloneDX 1.6")
    component = document["metadata"]["component"]
    if component["type"] != "machine-learning-model":
        raise ValueError("not about a machine-learning model")
    card = component["modelCard"]
    considerations = card["considerations"]
    return Card(
        model=str(component["name"]),
        intended_use=_texts(considerations["useCases"]),
        limitations=_texts(considerations["technicalLimitations"]),
        datasets=_texts(d["contents"]["url"] for d in card["modelParameters"]["datasets"]),
        metrics={
            m["type"]: float(m["value"])
            for m in card.get("quantitativeAnalysis", {}).get("performanceMetrics", [])
        },
    )


def _texts(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - a JSON array
    return tuple(v.removeprefix("urn:assay:fact:") for v in values if isinstance(v, str) and v.strip())
