"""Joining the evaluator's parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from fastapi import FastAPI

from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.settings import ServiceSettings
from services.training.evaluator import api
from services.training.evaluator.adapters.platform import FeaturesHeldOut, TrainingPackages
from services.training.evaluator.adapters.scoring_process import ScoringProcess
from services.training.evaluator.settings import EvaluatorSettings
from services.training.evaluator.usecases import Evaluator

SECONDS = 120


@dataclass(frozen=True)
class EvaluatorParts(Parts):
    """The usual parts and the evaluator's use cases."""

    evaluator: Evaluator

    @classmethod
    def join(cls, settings: ServiceSettings) -> Self:
        """Join the parts."""
        if not isinstance(settings, EvaluatorSettings):
            raise TypeError("the evaluator is joined from EvaluatorSettings")
        parts = Parts.join(settings)
        return cls(**vars(parts), evaluator=joined(parts, settings))


def build(parts: EvaluatorParts) -> FastAPI:
    """Return the evaluator's application."""
    return build_app(parts, api.routes(parts.evaluator), title="Assay evaluator")


def joined(parts: Parts, settings: EvaluatorSettings) -> Evaluator:
    """Return the use cases over these parts."""
    training, features = (parts.client(name, timeout=SECONDS) for name in ("training", "features"))
    parts.resources.callback(training.close)
    parts.resources.callback(features.close)
    return Evaluator(
        facts=parts.follower,
        ledger=parts.ledger,
        packages=TrainingPackages(training),
        held_out=FeaturesHeldOut(features, parts.vault, parts.identity.spiffe_id, time.time),
        scorer=ScoringProcess(settings.scoring_seconds),
        now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )
