"""What serving needs of the outside: something that runs predictors, and somebody who judges versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assay.custody import Judgement
from services.serving.domain import Place


class ControlPlane(Protocol):
    """Runs one predictor for each endpoint: processes of this machine, or a cluster."""

    def ensure(self, place: Place) -> None:
        """Have the endpoint's predictor run, and go on running, from here on."""

    def url(self, place: Place) -> str | None:
        """Return where the endpoint answers, once that is known."""

    def close(self) -> None:
        """End what this process started."""


class Predictors(Protocol):
    """What predictors say of themselves."""

    def state(self, place: Place) -> Mapping[str, Any]:
        """Return the predictor's `/v1/state`; raises Unavailable while it does not answer."""

    def settled(self, place: Place, rollout: str) -> Mapping[str, Any]:
        """Return its state once it answers for the rollout or could not; Unavailable after a while."""


class Judge(Protocol):
    """Who says whether a version may answer at an endpoint."""

    def judged(self, version: str, place: Place) -> Judgement:
        """Return the judgement of a version fact whose gate is met there; raises GateNotMet or what is broken."""
