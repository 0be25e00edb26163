"""MLflow, through tracking, by its REST API: importing its client would cost the control process four seconds.

Everything is written in the name of the person who started the run, with the grant they handed over. Grants are
kept in memory for as long as their run goes on, and nowhere else: after a restart an entry stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from assay.contracts import strict_json
from assay.errors import Forbidden, Invalid, Unavailable
from assay.web.client import call
from services.training.domain import Run
from services.training.inputs import TRAIN, Inputs

API: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
SHORT: Final = 36  # letters: what MLflow keeps of a data set's digest
VALUE: Final = 500


class MlflowRuns:
    """An `Experiments`. `connect(grant)` opens a client of tracking, `now_ms` is milliseconds since 1970."""

    def __init__(self, connect: Callable[[str], httpx.Client], now_ms: Callable[[], int]) -> None:
        self._connect = connect
        self._now_ms = now_ms
        self._grants: dict[str, str] = {}

    def begin(self, run: Run, inputs: Inputs, grant: str) -> str:
        """See `ports.Experiments.begin`."""
        with self._connect(grant) as tracking:
            experiment = _experiment(tracking, run.experiment)
            body = {
                "experiment_id": experiment,
                "run_name": run.id,
                "start_time": self._now_ms(),
                "tags": _tags({"run": run.id, "feature_set": run.feature_set, "model": run.model}),
            }
            made = str(_post(tracking, "runs/create", body)["run"]["info"]["run_id"])
            parameters = {**run.parameters, "entry": run.entry, "workers": run.workers, "seed": run.seed}
            params = [{"key": k, "value": str(v)[:VALUE]} for k, v in sorted(parameters.items())]
            _post(tracking, "runs/log-batch", {"run_id": made, "params": params})
            _post(tracking, "runs/log-inputs", {"run_id": made, "datasets": [_dataset(inputs)]})
        self._grants[made] = grant
        return made

    def log(self, mlflow_run: str, step: int, metrics: Mapping[str, float], at_ms: int) -> None:
        """See `ports.Experiments.log`."""
        rows = [{"key": k, "value": v, "timestamp": at_ms, "step": step} for k, v in sorted(metrics.items())]
        with self._connect(self._grant(mlflow_run)) as tracking:
            _post(tracking, "runs/log-batch", {"run_id": mlflow_run, "metrics": rows})

    def attach(self, mlflow_run: str, name: str, files: Mapping[str, bytes]) -> None:
        """See `ports.Experiments.attach`."""
        with self._connect(self._grant(mlflow_run)) as tracking:
            shown = _get(tracking, "runs/get", run_id=mlflow_run)["run"]["info"]
            folder = f"{ARTIFACTS}/{shown['experiment_id']}/{mlflow_run}/artifacts/{name}"
            for path, data in files.items():
                _answer(tracking, "PUT", f"{folder}/{path}", content=data)

    def end(self, mlflow_run: str, *, succeeded: bool, tags: Mapping[str, str]) -> None:
        """See `ports.Experiments.end`."""
        status = "FINISHED" if succeeded else "FAILED"
        with self._connect(self._grant(mlflow_run)) as tracking:
            _post(tracking, "runs/log-batch", {"run_id": mlflow_run, "tags": _tags(tags)})
            body = {"run_id": mlflow_run, "status": status, "end_time": self._now_ms()}
            _post(tracking, "runs/update", body)
        self._grants.pop(mlflow_run, None)

    def _grant(self, mlflow_run: str) -> str:
        grant = self._grants.get(mlflow_run)
        if grant is None:
            raise Forbidden(f"the grant for {mlflow_run} ended with the process it was handed to")
        return grant


def _experiment(tracking: httpx.Client, name: str) -> str:
    found = _send(tracking, "GET", f"{API}/experiments/get-by-name", params={"experiment_name": name})
    if found.status_code == httpx.codes.NOT_FOUND:
        return str(_post(tracking, "experiments/create", {"name": name})["experiment_id"])
    return str(_document(_taken(found))["experiment"]["experiment_id"])


def _dataset(inputs: Inputs) -> dict[str, Any]:
    """Return the feature set as MLflow's data set; its digest is the ciphertext's, as far as MLflow keeps it."""
    ciphertext = inputs.splits[TRAIN]
    dataset = {
        "name": inputs.view,
        "digest": ciphertext[:SHORT],
        "source_type": "assay",
        "source": json.dumps({"uri": f"urn:assay:fact:{inputs.fact}", "sha256": ciphertext}),
        "profile": json.dumps({"rows": inputs.rows.get(TRAIN)}),
    }
    return {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _post(tracking: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return _document(_answer(tracking, "POST", f"{API}/{path}", json=body))


def _get(tracking: httpx.Client, path: str, **params: str) -> dict[str, Any]:
    return _document(_answer(tracking, "GET", f"{API}/{path}", params=params))


def _document(answer: httpx.Response) -> dict[str, Any]:
    """Return an answer's JSON; what is none, or lacks what MLflow promises, is as good as no answer."""
    told = strict_json(answer.content)
    if not isinstance(told, dict):
        raise Unavailable("tracking answers something that is not MLflow's")
    return told


def _answer(tracking: httpx.Client, method: str, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
    return _taken(_send(tracking, method, path, **sent))


def _send(tracking: httpx.Client, method: str, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
    try:
        return tracking.request(method, path, **sent)
    except httpx.TransportError as error:
        raise Unavailable(f"tracking does not answer: {type(error).__name__}") from error


def _taken(answer: httpx.Response) -> httpx.Response:
    """Return a successful answer; MLflow's own refusal is about what was asked for."""
    if (
        answer.is_client_error
        and "error_code" in answer.text
        and "problem+json" not in answer.headers["content-type"]
    ):
        raise Invalid(f"MLflow refuses it: {answer.text[:300]}")
    return call(answer)
