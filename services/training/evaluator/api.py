"""The evaluator's routes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Evaluation
from assay.web.routes import Routes
from services.training.evaluator.usecases import Evaluator, Wanted

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EvaluationRequest(BaseModel):
    """A package by its run fact and checkpoint, and the feature set whose held-out rows it is measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Digest
    package: Digest
    checkpoint: str = Field(max_length=63)
    feature_set: Digest


def routes(evaluator: Evaluator) -> Routes:
    """Return the evaluator's routes over its use cases."""
    api = Routes("/v1/evaluations")

    @api.post("", permission="evaluator/evaluate", status_code=201)
    def evaluate(wanted: EvaluationRequest) -> dict[str, Any]:
        done = evaluator.evaluate(Wanted(**wanted.model_dump()))
        return {
            **_shown(done.record.digest, done.body),
            "checkpoint": wanted.checkpoint,
            "claims": done.claims,
        }

    @api.get("/{package}", permission="evaluator/read")
    def of(package: str) -> dict[str, Any]:
        found = evaluator.evaluations(package)
        return {"evaluations": [_shown(record.digest, body) for record, body in found]}

    return api


def _shown(fact: str, body: Evaluation) -> dict[str, Any]:
    return {"fact": fact, **body.model_dump(mode="json")}
