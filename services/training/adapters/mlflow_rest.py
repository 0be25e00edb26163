"""MLflow, through tracking, by its REST API: importing its client would cost the control process four seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from assay.errors import Unavailable
from assay.web.client import call
from services.training.domain import Run
from services.training.inputs import Inputs

API: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
SHORT: Final = 36  # what MLflow keeps of a data set's digest
VALUE: Final = 500


class MlflowRuns:
    """An `Experiments`. `connect(grant)` opens a client of tracking; training owns the entries it makes."""

    def __init__(self, connect: Callable[[str | None], httpx.Client], now_ms: Callable[[], int]) -> None:
        self._connect = connect
        self._now_ms = now_ms

    def begin(self, run: Run, inputs: Inputs, grant: str) -> str:
        """See `ports.Experiments.begin`."""
        with self._connect(grant) as tracking:
            experiment = _experiment(tracking, run.experiment)
            body = {
                "experiment_id": experiment,
                "run_name": run.id,
                "start_time": self._now_ms(),
                "tags": _tags({"assay.run": run.id, "assay.feature_set": run.feature_set}),
            }
            made = str(_post(tracking, "runs/create", body)["run"]["info"]["run_id"])
            parameters = {"entry": run.entry, "workers": run.workers, "seed": run.seed, **run.parameters}
            params = [{"key": k, "value": str(v)[:VALUE]} for k, v in sorted(parameters.items())]
            _post(tracking, "runs/log-batch", {"run_id": made, "params": params})
            _post(tracking, "runs/log-inputs", {"run_id": made, "datasets": [_dataset(inputs)]})
        return made

    def log(self, mlflow_run: str, step: int, metrics: Mapping[str, float], at_ms: int) -> None:
        """See `ports.Experiments.log`."""
        rows = [{"key": k, "value": v, "timestamp": at_ms, "step": step} for k, v in sorted(metrics.items())]
        with self._connect(None) as tracking:
            _post(tracking, "runs/log-batch", {"run_id": mlflow_run, "metrics": rows})

    def attach(self, mlflow_run: str, name: str, files: Mapping[str, bytes]) -> None:
        """See `ports.Experiments.attach`."""
        with self._connect(None) as tracking:
            shown = _get(tracking, "runs/get", run_id=mlflow_run)["run"]["info"]
            folder = f"{ARTIFACTS}/{shown['experiment_id']}/{mlflow_run}/artifacts/{name}"
            for path, data in files.items():
                _told(lambda p=path, d=data: tracking.put(f"{folder}/{p}", content=d))  # type: ignore[misc]

    def end(self, mlflow_run: str, *, succeeded: bool, tags: Mapping[str, str]) -> None:
        """See `ports.Experiments.end`."""
        status = "FINISHED" if succeeded else "FAILED"
        with self._connect(None) as tracking:
            _post(tracking, "runs/log-batch", {"run_id": mlflow_run, "tags": _tags(tags)})
            body = {"run_id": mlflow_run, "status": status, "end_time": self._now_ms()}
            _post(tracking, "runs/update", body)


def _experiment(tracking: httpx.Client, name: str) -> str:
    found = tracking.get(f"{API}/experiments/get-by-name", params={"experiment_name": name})
    if found.status_code == httpx.codes.NOT_FOUND:
        return str(_post(tracking, "experiments/create", {"name": name})["experiment_id"])
    return str(_told(lambda: found).json()["experiment"]["experiment_id"])


def _dataset(inputs: Inputs) -> dict[str, Any]:
    """Return the feature set as MLflow's data set; its digest is the ciphertext's, shortened to MLflow's limit."""
    ciphertext = inputs.splits["train"]
    source = {"uri": f"urn:assay:fact:{inputs.fact}", "sha256": ciphertext}
    dataset = {
        "name": inputs.view,
        "digest": ciphertext[:SHORT],
        "source_type": "assay",
        "source": json.dumps(source),
        "profile": json.dumps({"rows": inputs.rows.get("train")}),
    }
    return {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _post(tracking: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_told(lambda: tracking.post(f"{API}/{path}", json=body)).json())


def _get(tracking: httpx.Client, path: str, **params: str) -> dict[str, Any]:
    return dict(_told(lambda: tracking.get(f"{API}/{path}", params=params)).json())


def _told(ask: Callable[[], httpx.Response]) -> httpx.Response:
    try:
        return call(ask())
    except httpx.TransportError as error:
        raise Unavailable(f"tracking does not answer: {type(error).__name__}") from error
