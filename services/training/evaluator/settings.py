"""The evaluator's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class EvaluatorSettings(ServiceSettings):
    """What every service is told, and how long a graph may take; in seconds."""

    scoring_seconds: float = 120
