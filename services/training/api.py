"""Training's routes: permission, parse, call, render."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.training.asked import Asked
from services.training.domain import Run
from services.training.source import Source
from services.training.usecases import Training

OUTPUT_LIMIT: Final = 512 << 20
By = Annotated[Caller, Depends(calling)]


class RunRequest(BaseModel):
    """Code, what to train on, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str = Field(max_length=63)
    model: str = Field(max_length=63)
    source: dict[str, str]
    entry: str = "train.py"
    feature_set: str = Field(max_length=64)
    parameters: dict[str, Any] = {}
    workers: int = 2

    def asked(self, most_workers: int) -> Asked:
        """Return what is asked for, once it is known to be well-formed."""
        return Asked.checked(
            experiment=self.experiment,
            model=self.model,
            source=Source.checked(self.source, self.entry),
            feature_set=self.feature_set,
            parameters=self.parameters,
            workers=self.workers,
            most_workers=most_workers,
        )


async def uploaded(request: Request) -> bytes:
    """Return the body as it came; the application enforces the route's limit."""
    return await request.body()


def people_routes(training: Training, most_workers: int) -> Routes:
    """Return the routes of people, and of services that read what runs made."""
    api = Routes("/v1/runs")

    @api.post("", permission="training/start-run", status_code=202)
    def start(wanted: RunRequest, by: By) -> dict[str, Any]:
        return {"run": training.start(wanted.asked(most_workers), by=by).id}

    @api.get("", permission="training/read-run")
    def every() -> dict[str, Any]:
        return {"runs": [shown(run) for run in training.views()]}

    @api.get("/{run}", permission="training/read-run")
    def one(run: str) -> dict[str, Any]:
        return shown(training.view(run))

    @api.post("/{run}/cancel", permission="training/cancel-run")
    def cancel(run: str, by: By) -> dict[str, Any]:
        return shown(training.cancel(run, by=by))

    @api.get("/{run}/packages/{checkpoint}", permission="training/read-package")
    def package(run: str, checkpoint: str) -> Response:
        return Response(training.package(run, checkpoint), media_type="application/x-tar")

    return api


def run_routes(training: Training) -> Routes:
    """Return the routes of a run itself."""
    api = Routes("/v1/runs")

    @api.put(
        "/{run}/outputs/{path:path}", permission="training/upload", body_limit=OUTPUT_LIMIT, status_code=204
    )
    def upload(run: str, path: str, data: Annotated[bytes, Depends(uploaded)]) -> None:
        training.take(run, path, data)

    @api.get("/{run}/outputs/checkpoints/newest.tar", permission="training/upload")
    def newest(run: str) -> Response:
        return Response(training.newest_checkpoint(run), media_type="application/x-tar")

    return api


def shown(run: Run) -> dict[str, Any]:
    """Return a run as JSON. `metrics`, everywhere in it, are the run's own claims; the evaluator measures."""
    return {
        "run": run.id,
        "state": run.state.value,
        "progress": {"doing": run.doing, "step": run.step},
        "model": run.model,
        "experiment": run.experiment,
        "person": run.person,
        "feature_set": run.feature_set,
        "entry": run.entry,
        "parameters": run.parameters,
        "workers": run.workers,
        "seed": run.seed,
        "metrics": run.metrics,
        "metrics_are": "claims of the run; POST /v1/evaluations at the evaluator measures",
        "checkpoints": [
            {
                "name": each.name,
                "package": each.package,
                "metrics": each.claims,
                "threshold": each.threshold,
            }
            for each in run.offered
        ],
        "fact": run.fact,
        "mlflow_run": run.mlflow_run,
        "started": run.started,
        "finished": run.finished or None,
        "error": run.error,
        "fix": run.fix,
    }
