"""What people write about a model: the model card and the risk record, under the field's own headings."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.registry.errors import DocumentRefused

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
Level = Literal["low", "medium", "high"]
CARD: Final = "model-card"
RISK: Final = "risk-record"


class Document(BaseModel):
    """A document's members; unknown and empty ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelCard(Document):
    """Mitchell et al., "Model Cards for Model Reporting": the nine headings, in words."""

    model_details: Text
    intended_use: Text
    factors: Text
    metrics: Text
    evaluation_data: Text
    training_data: Text
    quantitative_analyses: Text
    ethical_considerations: Text
    caveats_and_recommendations: Text


class Risk(Document):
    """One risk: what may go wrong, how likely, how bad."""

    risk: Text
    likelihood: Level
    impact: Level


class Treatment(Document):
    """What is done about a risk, by whom (a person's id) and until when (a date)."""

    risk: Text
    response: Text
    owner: Text
    due: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Mapped(Document):
    """NIST AI RMF, map: the context and what may go wrong in it."""

    context: Text
    affected_people: Text
    risks: Annotated[tuple[Risk, ...], Field(min_length=1, max_length=50)]


class Measured(Document):
    """NIST AI RMF, measure: how each risk is looked at."""

    methods: Text
    findings: Text


class Managed(Document):
    """NIST AI RMF, manage: what is done, and what remains."""

    treatments: Annotated[tuple[Treatment, ...], Field(max_length=50)]
    residual_risk: Level
    accepted_because: Text


class RiskRecord(Document):
    """A risk record in the words of NIST's AI Risk Management Framework: map, measure, manage."""

    map: Mapped
    measure: Measured
    manage: Managed


RIGHTS: Final = {CARD: "registry/write-model-card", RISK: "registry/write-risk-record"}
WRITTEN: Final[dict[str, type[Document]]] = {CARD: ModelCard, RISK: RiskRecord}


def read_document(kind: str, document: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document, yet to be checked
    """Return a document whose members are all there; raises DocumentRefused with each one that is not."""
    shape = WRITTEN.get(kind)
    if shape is None:
        raise DocumentRefused(f"{kind[:40]!r} is not written by people; {' and '.join(WRITTEN)} are")
    try:
        return shape.model_validate(document).model_dump(mode="json")
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or kind}: {one['msg']}" for one in error.errors()[:10]]
        raise DocumentRefused(f"the {kind} is not complete: {'; '.join(wrong)}") from error


def figures_of(kind: str, document: dict[str, Any]) -> dict[str, float]:
    """Return what a gate may judge of a written document."""
    if kind != RISK:
        return {}
    levels = {"low": 1.0, "medium": 2.0, "high": 3.0}
    risks = document["map"]["risks"]
    return {
        "risks": float(len(risks)),
        "worst_impact": max(levels[risk["impact"]] for risk in risks),
        "residual_risk": levels[document["manage"]["residual_risk"]],
    }
