"""What the gates say of a version, environment by environment, for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.contracts import Environment
from assay.custody import Judgement
from assay.errors import ServiceError
from services.registry.usecases import Registry


@dataclass(frozen=True)
class ShownGate:
    """A gate's judgement; or, when the version may not be used whatever the gate, why."""

    environment: Environment
    judgement: Judgement | None
    refused: ServiceError | None

    @property
    def passed(self) -> bool:
        """Whether the version may enter now."""
        return self.judgement is not None and self.judgement.verdict.passed is True

    @property
    def missing(self) -> list[dict[str, str]]:
        """What is missing: what, how to get it, and whether it failed or is still to come."""
        return self.judgement.verdict.missing if self.judgement is not None else []


def gates_shown(
    registry: Registry, model: str, number: int, environments: Sequence[Environment]
) -> list[ShownGate]:
    """Return each environment's gate; raises UnknownVersion."""
    registry.believed.version(model, number)
    return [_gate(registry, model, number, environment) for environment in environments]


def _gate(registry: Registry, model: str, number: int, environment: Environment) -> ShownGate:
    try:
        return ShownGate(environment, registry.judged(model, number, environment), None)
    except ServiceError as refusal:
        return ShownGate(environment, None, refusal)
