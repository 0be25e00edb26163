"""Real runs in real Ray clusters: one that loses a worker and succeeds, and two that must fail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from assay.contracts import FactKind
from assay.custody import from_tar, inspect, package_digest, read_provenance
from assay.errors import Forbidden, NotFound
from tests.integration.training.credit import credit_rows
from tests.support.data import DANA
from tests.support.training import TrainingWorld

SCRIPT = Path(__file__).parents[3] / "pipelines" / "credit_default" / "train.py"
WITH_A_DEATH = """
import os, signal
from credit import train as honest

def train(run):
    again = run.resume() is not None
    report = run.report

    def reporting(metrics, *, step, checkpoint=None):
        report({**metrics, "resumed": float(again)}, step=step, checkpoint=checkpoint)
        if step == 2 and run.rank == 1 and not again:
            os.kill(os.getpid(), signal.SIGKILL)

    run.report = reporting
    honest(run)
"""
THAT_RAISES = """
import os
from pathlib import Path

def names(process):
    try:
        ours = b"services.training.driver" in (process / "cmdline").read_bytes()
        lines = (process / "environ").read_bytes().split(b"\\0") if ours else []
    except OSError:
        return set()
    return {line.split(b"=")[0].decode() for line in lines}

def train(run):
    processes = [p for p in Path("/proc").iterdir() if p.name.isdecimal()]
    seen = set(os.environ).union(*map(names, processes))
    ours = sorted(name for name in seen if "ASSAY" in name or "VAULT" in name)
    raise ValueError(f"this script raises; it sees {len(seen) > 5} {ours}")
"""
THAT_CHEATS = """
def train(run):
    x, y, names = run.rows()
    try:
        run.rows("test")
    except Exception as refused:
        print("hidden", refused)
"""


@dataclass(frozen=True)
class Done:
    """A run that succeeded, and what it was made from."""

    run: dict[str, Any]
    feature_set: str


@pytest.fixture(scope="module")
def feature_set(world: TrainingWorld) -> str:
    return world.feature_set(*credit_rows())


@pytest.fixture(scope="module")
def done(world: TrainingWorld, feature_set: str) -> Done:
    source = {"train.py": WITH_A_DEATH, "credit.py": SCRIPT.read_text()}
    run = world.start(source, feature_set, parameters={"epochs": 6, "seed": 7})
    return Done(world.ended(run), feature_set)


def test_a_run_that_loses_a_worker_goes_on_from_its_checkpoint_and_succeeds(
    world: TrainingWorld, done: Done
) -> None:
    assert done.run["error"] is None
    assert done.run["state"] == "succeeded"
    steps = world.mlflow.runs[done.run["mlflow_run"]]["steps"]
    assert [step for step, _ in steps] == list(range(6))  # none lost, none told twice
    assert [metrics["resumed"] for _, metrics in steps] == [0, 0, 0, 1, 1, 1]


def test_its_fact_says_from_what_by_whom_and_how(world: TrainingWorld, done: Done) -> None:
    record = world.training.facts.record(done.run["fact"])
    assert record is not None
    assert record.kind is FactKind.RUN
    told = read_provenance(record.fact)
    assert told.builder == "spiffe://assay.demo/svc/core/training"
    assert told.feature_sets == (done.feature_set,)
    assert set(told.contributors) == {DANA, "p-batch-pusher", "p-feature-author"}
    assert set(told.source) == {"train.py", "credit.py"}
    assert told.seeds == {"run": 7}
    assert len(told.environment["distributions"]) == 64
    assert told.packages == {each["name"]: each["package"] for each in done.run["checkpoints"]}


def test_each_candidate_is_a_package_that_onnx_runtime_loads(world: TrainingWorld, done: Done) -> None:
    names = [each["name"] for each in done.run["checkpoints"]]
    assert names == ["epoch-3", "final"]
    with world.reach("/svc/core/registry", "training") as registry:
        for each in done.run["checkpoints"]:
            path = f"/v1/runs/{done.run['run']}/packages/{each['name']}"
            files = from_tar(registry.get(path).content)
            assert package_digest(files) == each["package"]
            assert inspect(files).card.datasets == (done.feature_set,)
            session = onnxruntime.InferenceSession(files["model.onnx"])
            assert [port.name for port in session.get_inputs()] == ["features"]
            assert len(json.loads(files["feature_names.json"])) == session.get_inputs()[0].shape[1]


def test_the_evaluator_measures_it_on_rows_the_run_was_not_given(world: TrainingWorld, done: Done) -> None:
    final = done.run["checkpoints"][-1]
    wanted = {
        "run": done.run["fact"],
        "checkpoint": final["name"],
        "package": final["package"],
        "feature_set": done.feature_set,
    }
    found = world.ask("POST", "/v1/evaluations", service="evaluator", json=wanted)
    assert 0.76 <= found["metrics"]["auc"] <= 0.80
    assert found["metrics"]["ece"] < 0.05
    assert found["metrics"]["n"] == 6000
    assert set(found["slices"]) == {"sex", "age"}
    again = world.ask("POST", "/v1/evaluations", service="evaluator", json=wanted)
    assert again["fact"] == found["fact"]
    listed = world.ask("GET", f"/v1/evaluations/{final['package']}", service="evaluator")
    assert [each["fact"] for each in listed["evaluations"]] == [found["fact"]]


def test_a_package_no_run_fact_names_is_not_measured(world: TrainingWorld, done: Done) -> None:
    wanted = {
        "run": done.run["fact"],
        "checkpoint": "final",
        "package": "0" * 64,
        "feature_set": done.feature_set,
    }
    with pytest.raises(NotFound, match="names no package"):
        world.ask("POST", "/v1/evaluations", service="evaluator", json=wanted)


def test_mlflow_has_parameters_inputs_and_packages_in_the_persons_name(
    world: TrainingWorld, done: Done
) -> None:
    told = world.mlflow.runs[done.run["mlflow_run"]]
    assert told["run"].parameters["epochs"] == 6
    assert told["inputs"].fact == done.feature_set
    assert set(told["files"]) == {"epoch-3", "final"}
    assert told["end"][0] is True
    assert told["end"][1]["fact"] == done.run["fact"]


def test_nothing_of_a_run_stays_behind(world: TrainingWorld, done: Done) -> None:
    folders = world.training.clusters.folders  # type: ignore[attr-defined]
    assert not folders.of(done.run["run"]).exists()
    assert not list((world.folder / "run" / "training" / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def failing(world: TrainingWorld, feature_set: str, done: Done) -> dict[str, dict[str, Any]]:
    """Two runs that must fail, side by side."""
    scripts = {"raises": THAT_RAISES, "cheats": THAT_CHEATS}
    started = {name: world.start(script, feature_set, workers=1) for name, script in scripts.items()}
    return {name: world.ended(run) for name, run in started.items()}


@pytest.mark.parametrize("name", ["raises", "cheats"])
def test_a_run_that_failed_leaves_no_fact(
    world: TrainingWorld, failing: dict[str, dict[str, Any]], name: str
) -> None:
    run = failing[name]
    assert (run["state"], run["fact"]) == ("failed", None)
    assert world.training.facts.head(f"run/{run['run']}") is None
    assert world.mlflow.runs[run["mlflow_run"]]["end"][0] is False


def test_a_script_that_raises_fails_its_run_with_its_own_words_and_the_line(
    failing: dict[str, dict[str, Any]],
) -> None:
    error = failing["raises"]["error"]
    assert error.startswith("ScriptFailed: ValueError: this script raises")
    assert "(train.py, line 17)" in error


def test_no_process_of_a_run_sees_a_setting_of_the_platform(failing: dict[str, dict[str, Any]]) -> None:
    assert "it sees True []" in failing["raises"]["error"]


def test_a_script_that_asks_for_the_held_out_rows_fails_its_run_even_if_it_hides_it(
    failing: dict[str, dict[str, Any]],
) -> None:
    assert failing["cheats"]["error"].startswith("HeldOut: the test split is held out")


def test_somebody_elses_certificate_cannot_upload_for_a_run(world: TrainingWorld, done: Done) -> None:
    path = f"/v1/runs/{done.run['run']}/outputs/reports/1.json"
    for identity in ("/run/run-0000000000000000", f"/people/{DANA}"):
        with world.reach(identity, "training") as http:
            assert http.put(path, content=b"{}").status_code == Forbidden.status
