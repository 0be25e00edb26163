"""A data scientist's own MLflow script, unchanged, with nothing but the variables of `assay env`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow.webhooks.delivery import _generate_hmac_signature

from assay.cli import assay
from assay.client.sign_in import log_in
from assay.errors import ServiceError
from assay_laptop.demo.thread import ENVIRONMENT, MODEL
from tests.conftest import Running
from tests.support.receiver import HttpsReceiver

LONGEST_SECONDS = 60  # a hang, no promise

SCRIPT = """
import json, sys
import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

trained, checkpoint, name = sys.argv[1:]
client = MlflowClient()
mlflow.set_experiment("notebook")
with mlflow.start_run() as run:
    mlflow.log_params({"alpha": 1})
    mlflow.log_metric("auc", 0.7)
    mlflow.log_text("what I tried", "notes.txt")
version = mlflow.register_model(f"runs:/{trained}/{checkpoint}", name, tags={"team": "credit", "assay.tier": "high"})
client.update_model_version(name, version.version, description="a candidate")
client.set_registered_model_alias(name, "challenger", version.version)
champion = client.get_model_version_by_alias(name, "champion")
loaded = mlflow.onnx.load_model(f"models:/{name}@champion")
challenger = mlflow.onnx.load_model(f"models:/{name}@challenger")
try:
    client.set_registered_model_alias(name, "champion", version.version)
    refused = ["NOT REFUSED"]
except MlflowException as error:
    refused = [error.error_code, str(error), error.json["fix"]]
with mlflow.start_run():
    mine = mlflow.onnx.log_model(challenger, name="model")
try:
    mlflow.register_model(mine.model_uri, name)
    unsigned = ["NOT REFUSED"]
except MlflowException as error:
    unsigned = [error.error_code, str(error), error.json["fix"]]
print(json.dumps({
    "metrics": client.get_run(run.info.run_id).data.metrics, "version": version.version,
    "status": version.status, "champion": champion.version, "inputs": len(loaded.graph.input),
    "seen": client.get_model_version_by_alias(name, "challenger").description,
    "refused": refused, "unsigned": unsigned,
}))
"""


def test_an_unchanged_mlflow_script_logs_registers_points_and_loads_and_does_not_move_the_champion(
    running: Running, tmp_path: Path
) -> None:
    dana = running.thread.sessions["dana"]
    log_in(dana.platform, "dana")  # a champion of tier high takes somebody who signed in within five minutes
    known = dana.models.version(MODEL, 1)
    before = (
        running.thread.sessions["ada"]
        .service("registry")
        .get(f"/v1/models/{MODEL}/aliases/champion", environment=ENVIRONMENT)
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, known["mlflow_run"], known["checkpoint"], MODEL],
        env=os.environ | dana.mlflow_environment() | {"GIT_PYTHON_REFRESH": "quiet"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert (found["metrics"], found["status"], found["seen"]) == ({"auc": 0.7}, "READY", "a candidate")
    assert (found["champion"], found["inputs"]) == (str(before["number"]), 1)
    code, message, fix = found["refused"]
    assert (code, "may not enter prod" in message, bool(fix)) == ("RESOURCE_CONFLICT", True, True), message
    code, message, fix = found["unsigned"]
    assert (code, "signed run" in message, "session.runs.start" in fix) == ("PERMISSION_DENIED", True, True)
    after = dana.service("registry").get(f"/v1/models/{MODEL}/aliases/champion", environment=ENVIRONMENT)
    assert after == before


def command(running: Running, *words: str) -> Any:  # noqa: ANN401 - JSON
    """Run `assay` on the platform's home; return what it prints, or raise the refusal it would print."""
    home = str(running.platform.home.path)
    done = CliRunner().invoke(assay, ["--home", home, *words], catch_exceptions=False)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def test_a_receiver_on_this_machine_is_told_where_the_platform_was_started_with_it(
    running: Running, receiver: HttpsReceiver
) -> None:
    ada, dana = ("--as", "ada"), ("--as", "dana")
    with pytest.raises(ServiceError, match="no public host") as refused:
        command(running, "webhook", "add", "inside", "https://localhost:1/", *ada)
    assert "ASSAY_WEBHOOK_PRIVATE" in refused.value.fix
    made = command(running, "webhook", "add", "ci", receiver.url, *ada)
    assert command(running, "webhook", "test", "ci", *ada) == {"success": True, "response_status": 204}
    receiver.came.clear()
    with pytest.raises(ServiceError, match="protected"):
        command(running, "alias", "remove", f"{MODEL}@champion", *dana)
    sessions = running.thread.sessions
    alias = {"name": MODEL, "alias": "challenger"}
    path = "/api/2.0/mlflow/registered-models/alias"
    sessions["dana"].service("registry").post(path, {**alias, "version": "1"})
    gone = command(running, "alias", "remove", f"{MODEL}@challenger", *dana)
    until = time.monotonic() + LONGEST_SECONDS
    while [one for one in told(receiver) if one["entity"] == "model_version_alias"][-1:] != [
        {"entity": "model_version_alias", "action": "deleted", "data": alias}
    ]:
        assert time.monotonic() < until, told(receiver)
        receiver.came.wait(1)
        receiver.came.clear()
    taken = receiver.taken[-1]
    delivery, seconds = taken.headers["X-MLflow-Delivery-Id"], taken.headers["X-MLflow-Timestamp"]
    signed = _generate_hmac_signature(made["secret"], delivery, seconds, taken.body.decode())
    assert (delivery, taken.headers["X-MLflow-Signature"]) == (gone["fact"], signed)
    (hook,) = command(running, "webhook", "list", *ada)["webhooks"]
    assert (hook["name"], hook["last"], "secret" in hook) == ("ci", "taken", False)
    command(running, "webhook", "remove", "ci", *ada)
    assert command(running, "webhook", "list", *ada) == {"webhooks": []}


def told(receiver: HttpsReceiver) -> list[dict[str, Any]]:
    """Return what a receiver was told, without the times."""
    read = [json.loads(one.body) for one in receiver.taken]
    return [{key: value for key, value in one.items() if key != "timestamp"} for one in read]
