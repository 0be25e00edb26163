"""An unchanged MLflow client at work, everybody else kept out of it, and MLflow dying underneath."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from fastapi.routing import iter_route_contexts

from services.tracking.allowed import API, ARTIFACTS, ROUTES
from tests.integration.tracking.conftest import Tracking, answers, until
from tests.unit.tracking.front import AMIR, DANA, ERIN, RUN
from tests.unit.tracking.memory import check

Become = Callable[[str], None]


@pytest.fixture(scope="session")
def mlflow() -> Any:  # noqa: ANN401 - the module
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow

    return mlflow


@pytest.fixture(scope="session")
def danas(
    tracking: Tracking,
    mlflow: Any,  # noqa: ANN401
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # noqa: ANN401 - MLflow's own
    """A finished run of Dana's, logged as the tutorial says."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in tracking.environment(DANA).items():
            patch.setenv(name, value)
        patch.chdir(tmp_path_factory.mktemp("work"))
        until(lambda: answers(tracking.mlflow))
        mlflow.set_tracking_uri(tracking.url)
        mlflow.set_experiment("credit")
        with mlflow.start_run(run_name="first") as run:
            mlflow.log_params({"rounds": 100, "depth": 6})
            mlflow.log_metric("auc", 0.91, step=1)
            mlflow.log_metrics({"auc": 0.93, "loss": float("nan")}, step=2)
            mlflow.set_tag("team", "risk")
            mlflow.log_text("rows were weighted", "notes/why (1).txt")
            mlflow.log_dict({"a": 1}, "settings.json")
            model = mlflow.initialize_logged_model("scorer")
            mlflow.log_metric("auc", 0.93, step=3, model_id=model.model_id)
            mlflow.finalize_logged_model(model.model_id, "READY")
        return run.info.run_id, model.model_id, run.info.experiment_id


def test_the_real_server_keeps_the_promises_of_its_port(tracking: Tracking) -> None:
    until(lambda: answers(tracking.mlflow))
    check(tracking.mlflow, "0")


def test_an_unchanged_client_logs_a_run_and_reads_it_back(mlflow: Any, danas: Any, be: Become) -> None:  # noqa: ANN401
    run, model, experiment = danas
    be(AMIR)
    client = mlflow.MlflowClient()
    read = client.get_run(run)
    assert read.info.status == "FINISHED"
    assert read.data.params == {"rounds": "100", "depth": "6"}
    assert read.data.metrics["auc"] == 0.93
    assert [metric.step for metric in client.get_metric_history(run, "auc")] == [1, 2, 3]
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/why (1).txt") == "rows were weighted"
    assert {found.path for found in client.list_artifacts(run)} == {"notes", "settings.json"}
    assert [found.info.run_id for found in client.search_runs([experiment])] == [run]
    assert client.get_logged_model(model).status == "READY"
    assert client.search_logged_models([experiment])[0].model_id == model


def test_who_logged_it_is_whom_the_certificate_names(mlflow: Any, danas: Any, be: Become) -> None:  # noqa: ANN401
    run, model, _ = danas
    be(AMIR)
    read = mlflow.MlflowClient().get_run(run)
    assert read.info.user_id == "p-dana"
    assert (read.data.tags["mlflow.user"], read.data.tags["assay.owner"]) == ("p-dana", "p-dana")
    assert mlflow.MlflowClient().get_logged_model(model).tags["mlflow.user"] == "p-dana"


def test_another_person_writes_nothing_of_it(mlflow: Any, danas: Any, be: Become) -> None:  # noqa: ANN401
    run, model, _ = danas
    be(ERIN)
    client = mlflow.MlflowClient()
    mine = client.create_run("0").info.run_id
    writes: tuple[Callable[[], object], ...] = (
        lambda: client.log_metric(run, "auc", 1.0),
        lambda: client.log_param(run, "x", "y"),
        lambda: client.set_tag(run, "mlflow.user", "p-erin"),
        lambda: client.delete_tag(run, "team"),
        lambda: client.set_terminated(run),
        lambda: client.set_logged_model_tags(model, {"a": "b"}),
        lambda: client.log_metric(mine, "auc", 0.0, model_id=model),
        lambda: client.set_tag(mine, "assay.owner", "p-dana"),
        lambda: client.create_experiment("x", artifact_location="file:///etc"),
    )
    for write in writes:
        with pytest.raises(mlflow.exceptions.RestException) as refused:
            write()
        assert refused.value.error_code == "PERMISSION_DENIED"
        assert refused.value.json["fix"]
    with pytest.raises(requests.HTTPError, match="PERMISSION_DENIED"):
        client.log_text(run, "gone", "notes/why (1).txt")
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/why (1).txt") == "rows were weighted"


def test_what_executes_in_a_run_logs_its_own_and_reads_no_other(mlflow: Any, danas: Any, be: Become) -> None:  # noqa: ANN401
    run, _, _ = danas
    be(RUN)
    client = mlflow.MlflowClient()
    mine = client.create_run("0").info.run_id
    client.log_text(mine, "fine", "a.txt")
    assert client.get_run(mine).info.user_id == "spiffe://assay.test/run/run-1"
    reads: tuple[Callable[[], object], ...] = (lambda: client.get_run(run), lambda: client.search_runs(["0"]))
    for read in reads:
        with pytest.raises(mlflow.exceptions.RestException):
            read()


def test_a_large_artifact_comes_back_whole_and_a_refused_one_is_not_received(
    tracking: Tracking,
    danas: Any,  # noqa: ANN401
) -> None:
    run, _, experiment = danas
    place = f"{ARTIFACTS}/{experiment}/{run}/artifacts/big.bin"
    data = os.urandom(1 << 20) * 20
    with tracking.http(DANA) as dana, tracking.http(ERIN) as erin:
        assert dana.put(place, content=data).status_code == 200
        assert erin.put(place, content=b"x").status_code == 403
        assert erin.get(place).content == data


def test_no_other_route_of_mlflows_applications_is_reached(tracking: Tracking) -> None:
    """Flask's and FastAPI's routes alike, whatever MLflow's next version adds to them."""
    from mlflow.server import app as flask
    from mlflow.server.fastapi_app import app as fastapi

    theirs = {(method, rule.rule) for rule in flask.url_map.iter_rules() for method in rule.methods or ()}
    for context in iter_route_contexts(list(fastapi.routes)):
        theirs |= {(method, context.path) for method in context.methods or ()}
    assert len(theirs) > 500
    mine = {(allowed.method, API + allowed.path.replace("{model_id}", "<model_id>")) for allowed in ROUTES}
    assert mine <= theirs
    mine |= {("GET", ARTIFACTS), ("GET", "/api/3.0/mlflow/server-info")}
    mine |= {
        (method, f"{ARTIFACTS}/{path}")
        for method in ("GET", "PUT")
        for path in ("<path:artifact_path>", "{artifact_path:path}")
    }
    with tracking.http(DANA) as dana:
        for method, path in sorted(theirs - mine):
            answer = dana.request(method, path)
            assert answer.status_code in {404, 405}, (method, path)
            if path.startswith("/api/") and method != "HEAD":
                assert answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"


@pytest.mark.parametrize(
    "target",
    [
        "/api/2.0//mlflow/experiments/search",
        "/api/2.0/mlflow/../../../graphql",
        "/api/2.0/mlflow/experiments/search/../../../../../graphql",
        "/api/2.0/mlflow/logged-models/%252e%252e%252fexperiments%252fsearch",
        "/api/2.0/mlflow/logged-models/{model}%252fartifacts%252fdirectories",
        "/api/2.0/mlflow/logged-models/{model}%2fartifacts%2fdirectories",
        "/api/2.0/mlflow/logged-models/{model};x=y",
        "/api/2.0/mlflow/experiments%2fsearch",
        "/api/2.0/mlflow-artifacts/artifacts/%2e%2e/%2e%2e/mlflow.db",
        "/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/..%2f..%2f..%2f..%2fmlflow.db",
        "/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/%252e%252e/%252e%252e/x",
        "/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/x%00",
        "/api/2.0/mlflow-artifacts/artifacts?path=..",
        "/api/2.0/mlflow-artifacts/artifacts?path=0/{run}/artifacts/../../..",
        "/api/2.0/mlflow/artifacts/list?run_id={run}&path=../../..",
        "/api/2.0/mlflow/artifacts/list?run_id={run}&path=%252e%252e",
        "http://localhost/graphql",
        "*",
    ],
)
def test_a_bent_address_on_the_wire_leads_nowhere(tracking: Tracking, danas: Any, target: str) -> None:  # noqa: ANN401
    run, model, _ = danas
    said = on_the_wire(
        tracking, f"GET {target.format(run=run, model=model)} HTTP/1.1\r\nHost: localhost/../graphql?"
    )
    assert said.split(b" ")[1] in {b"400", b"403", b"404", b"405"}, said
    assert b"SQLite" not in said


def on_the_wire(tracking: Tracking, request: str) -> bytes:
    """Send bytes as they are, as Dana, and return what comes back."""
    identity = tracking.lab.workload(DANA)
    context = ssl.create_default_context(cadata=tracking.lab.authority.ca_pem)
    context.load_cert_chain(identity.combined_path)
    address = httpx.URL(tracking.url)
    with (
        socket.create_connection((address.host, address.port or 0), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(f"{request}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: tls.recv(65536), b""))


def test_mlflow_listens_on_a_socket_nobody_else_may_reach(tracking: Tracking) -> None:
    child = tracking.mlflow._process
    assert child is not None
    folder = Path(tracking.mlflow._socket).parent
    assert folder.stat().st_mode & 0o077 == 0
    inodes = {str(fd.readlink()) for fd in Path(f"/proc/{child.pid}/fd").iterdir()}
    listening = [line.split() for line in Path(f"/proc/{child.pid}/net/tcp").read_text().splitlines()[1:]]
    assert not [row for row in listening if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


def test_a_killed_mlflow_is_503_and_comes_back_with_what_it_knew(tracking: Tracking, danas: Any) -> None:  # noqa: ANN401
    run, _, _ = danas
    child = tracking.mlflow._process
    assert child is not None
    with tracking.http(DANA) as dana:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        for _ in range(3):
            down = dana.get(f"{API}/runs/get", params={"run_id": run})
            assert (down.status_code, down.headers["retry-after"]) == (503, "1")
            assert down.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert dana.get("/api/3.0/mlflow/server-info").status_code == 200
        until(lambda: answers(tracking.mlflow))
        back = dana.get(f"{API}/runs/get", params={"run_id": run})
        assert back.json()["run"]["info"]["run_id"] == run
    assert tracking.mlflow._process is not child
