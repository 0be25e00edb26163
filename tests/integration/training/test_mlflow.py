"""A run's entry in the real MLflow server, behind the real front, written with dana's grant."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.custody import inspect
from assay.errors import ServiceError
from assay.web.client import call
from services.tracking.adapters.mlflow_server import MlflowServer
from services.tracking.app import build
from services.training.adapters.mlflow_rest import MlflowRuns
from services.training.inputs import Inputs
from services.training.packages import Candidate, package_of
from tests.support.data import DANA
from tests.support.training import TrainingWorld
from tests.unit.training.made import NAMES, graph, run

PACKAGE = package_of(
    Candidate("final", graph(), {"validation_auc": 0.7}, 0.3),
    model="credit-default",
    feature_set="f" * 64,
    features=NAMES,
    view="credit",
    inspect=inspect,
)
INPUTS = Inputs("f" * 64, NAMES, {"train": "a" * 64}, {"train": 7}, "credit", frozenset())


@dataclass
class Shown:
    """MLflow as dana sees it, and training's hand in it."""

    world: TrainingWorld
    runs: MlflowRuns
    run: str

    def get(self, route: str, /, **params: str) -> Any:  # noqa: ANN401 - JSON
        """GET as dana."""
        with self.world.reach(f"/people/{DANA}", "tracking") as http:
            return call(http.get(f"/api/2.0/{route}", params=params)).json()


@pytest.fixture(scope="module")
def shown(world: TrainingWorld) -> Iterator[Shown]:
    short = Path(tempfile.mkdtemp(prefix="mlflow-"))  # a unix socket's path is short
    server = MlflowServer(world.folder / "mlflow", short)
    world.serve("tracking", build(world.parts("tracking"), server.start()))
    server.wait()

    def connect(grant: str) -> httpx.Client:
        http = world.reach("/svc/core/training", "tracking")
        http.headers["Assay-Grant"] = grant
        return http

    runs = MlflowRuns(connect, lambda: 1_700_000_000_000)
    begun = runs.begin(run(experiment="credit", parameters={"epochs": 3}), INPUTS, world.grant())
    runs.log(begun, 0, {"train_loss": 0.5}, 1)
    runs.log(begun, 1, {"train_loss": 0.4}, 2)
    runs.attach(begun, "final", PACKAGE)
    runs.end(begun, succeeded=True, tags={"fact": "e" * 64})
    yield Shown(world, runs, begun)
    server.close()
    shutil.rmtree(short)


def test_the_entry_is_the_persons_with_parameters_metrics_and_the_digest_of_the_rows(shown: Shown) -> None:
    told = shown.get("mlflow/runs/get", run_id=shown.run)["run"]
    assert told["info"]["status"] == "FINISHED"
    tags = {each["key"]: each["value"] for each in told["data"]["tags"]}
    assert tags["mlflow.user"] == DANA
    assert tags["fact"] == "e" * 64
    assert {each["key"]: each["value"] for each in told["data"]["params"]}["epochs"] == "3"
    (dataset,) = told["inputs"]["dataset_inputs"]
    assert dataset["dataset"]["digest"] == "a" * 36
    assert "a" * 64 in dataset["dataset"]["source"]
    history = shown.get("mlflow/metrics/get-history", run_id=shown.run, metric_key="train_loss")
    assert [(each["step"], each["value"]) for each in history["metrics"]] == [(0, 0.5), (1, 0.4)]


def test_an_unchanged_mlflow_loads_the_package_that_hangs_on_the_run(shown: Shown, tmp_path: Path) -> None:
    listed = shown.get("mlflow/artifacts/list", run_id=shown.run, path="final")["files"]
    experiment = shown.get("mlflow/runs/get", run_id=shown.run)["run"]["info"]["experiment_id"]
    below = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{shown.run}/artifacts"
    with shown.world.reach(f"/people/{DANA}", "tracking") as http:
        for each in listed:
            (tmp_path / Path(each["path"]).name).write_bytes(
                call(http.get(f"{below}/{each['path']}")).content
            )
    program = (
        "import sys, numpy as np, mlflow.pyfunc;"
        f"m = mlflow.pyfunc.load_model(sys.argv[1]); x = np.zeros((2, {len(NAMES)}), 'float32');"
        "print(sorted(m.predict(x)), m.metadata.signature.inputs.input_names())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "['probability'] ['features']", done.stderr[-2000:]


def test_nothing_more_is_written_once_the_run_is_over(shown: Shown) -> None:
    with pytest.raises(ServiceError, match="grant"):
        shown.runs.log(shown.run, 2, {"train_loss": 0.1}, 3)
