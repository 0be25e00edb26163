"""Training runs and their evaluation by somebody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import Invalid

if TYPE_CHECKING:
    from assay.client.session import Session

TRAINING_ACTS = ("tracking/read", "tracking/write", "tracking/own-run")
"""What training does further on for the person who starts a run."""
FINAL = frozenset({"succeeded", "failed"})
POLL_SECONDS = 0.5


class RunFailed(Invalid):
    """A training run ended without a result."""

    fix = "read the error; correct the script or its inputs and start a new run"


class Runs:
    """Start a run, follow it, have its packages evaluated."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._training = session.service("training")

    def start(
        self,
        *,
        model: str,
        source: Mapping[str, str],
        feature_set: str,
        parameters: Mapping[str, Any],
        entry: str = "train.py",
        workers: int = 2,
    ) -> str:
        """Start a run of posted code on a feature set; returns the run's id. Whoever starts it is a contributor."""
        body = {
            "experiment": model,
            "model": model,
            "source": dict(source),
            "entry": entry,
            "feature_set": feature_set,
            "parameters": dict(parameters),
            "workers": workers,
        }
        grant = self._session.grant("training", TRAINING_ACTS)
        return str(self._training.post("/v1/runs", body, grant=grant)["run"])

    def get(self, run: str) -> dict[str, Any]:
        """Return a run's state, progress, checkpoints and, when it succeeded, its provenance fact."""
        return dict(self._training.get(f"/v1/runs/{run}"))

    def wait(self, run: str, *, follow: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
        """Wait for a run's end; raises RunFailed with the run's own error."""
        while True:
            seen = self.get(run)
            if follow:
                follow(seen)
            if seen["state"] in FINAL:
                break
            time.sleep(POLL_SECONDS)
        if seen["state"] == "failed":
            raise RunFailed(f"{run}: {seen.get('error')}")
        return seen

    def evaluate(self, *, run: str, checkpoint: str, package: str, feature_set: str) -> dict[str, Any]:
        """Have one package measured by the evaluator on rows the run was not given."""
        body = {"run": run, "checkpoint": checkpoint, "package": package, "feature_set": feature_set}
        return dict(self._session.service("evaluator").post("/v1/evaluations", body))
