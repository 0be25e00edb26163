"""An unchanged MLflow client reads and writes the registry over mutual TLS; no write goes past a gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from assay.custody import inspect, read_folder
from tests.integration.registry.platform import Platform
from tests.unit.custody.graphs import graph, package
from tests.unit.custody.world import MODEL

BEFORE = "import sys; sys.modules['feast'] = None"
"""A client's machine without Feast, whose plug-in for MLflow takes ten seconds to load."""


@pytest.fixture(scope="module")
def promoted(platform: Platform) -> Platform:
    """Version 1 is champion in prod, version 2 is registered."""
    platform.desk.register()
    platform.desk.approved()
    platform.desk.promote()
    platform.desk.register("epoch-5")
    return platform


def mlflow(platform: Platform, script: str, name: str = "dana") -> Any:  # noqa: ANN401 - JSON
    """Run a script as somebody; it prints JSON on its last line."""
    settings = {
        "MLFLOW_TRACKING_URI": platform.url,
        "MLFLOW_REGISTRY_URI": platform.url,
        "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(platform.person(name).combined_path),
        "MLFLOW_TRACKING_SERVER_CERT_PATH": str(platform.ca),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "NO_PROXY": "localhost",
        "HOME": str(platform.folder),
    }
    program = f"{BEFORE}\nimport json, mlflow\nfrom mlflow import MlflowClient\nc = MlflowClient()\n"
    program += textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_a_client_finds_loads_and_uses_a_version(promoted: Platform) -> None:
    found = mlflow(
        promoted,
        f"""
        import numpy as np
        models = c.search_registered_models()
        v = c.get_model_version("{MODEL}", "1")
        by_alias = c.get_model_version_by_alias("{MODEL}", "champion")
        some = c.search_model_versions("name = '{MODEL}'")
        newest = c.get_latest_versions("{MODEL}")
        graph = mlflow.onnx.load_model("models:/{MODEL}/1")
        answer = mlflow.pyfunc.load_model("models:/{MODEL}@champion").predict(np.array([[1.0]], dtype=np.float32))
        print(json.dumps([
            [m.name for m in models], models[0].aliases, v.version, v.status, v.tags["assay.package"],
            by_alias.version, [s.version for s in some], [n.version for n in newest],
            [p.name for p in graph.graph.input], float(list(answer.values())[0][0][0]),
            c.get_model_version_download_uri("{MODEL}", "2"),
        ]))
        """,
    )
    versions = promoted.desk.registry.believed.versions(MODEL)
    packages = [record.fact.body["package"] for record in versions]
    host = promoted.url.removeprefix("https://")
    assert found == [
        [MODEL], {"champion": "1"}, "1", "READY", packages[0], "1", ["2", "1"], ["2"], ["x"], 2.0,
        f"mlflow-artifacts://{host}/packages/sha256-{packages[1]}",
    ]  # fmt: skip


def test_what_mlflow_saves_is_a_package(tmp_path: Path) -> None:
    import mlflow.onnx
    import onnx

    mlflow.onnx.save_model(onnx.load_model_from_string(graph()), str(tmp_path / "model"))
    card = package()["card.json"]
    found = inspect({**read_folder(tmp_path / "model"), "card.json": card})
    assert [port["name"] for port in found.inputs] == ["x"]


def test_no_write_goes_past_the_gate(promoted: Platform) -> None:
    before = promoted.world.follower.size
    refused = mlflow(
        promoted,
        f"""
        from mlflow.exceptions import MlflowException
        def say(work):
            try:
                work()
            except MlflowException as error:
                return [error.error_code, getattr(error, "json", {{}}).get("fix", ""), str(error)]
            return ["NOT REFUSED", "", ""]
        print(json.dumps([
            say(lambda: c.set_registered_model_alias("{MODEL}", "champion", "2")),
            say(lambda: c.rename_registered_model("{MODEL}", "other")),
            say(lambda: c.delete_registered_model("{MODEL}")),
            say(lambda: c.create_registered_model("Credit-Default")),
            say(lambda: c.create_model_version("{MODEL}", "file:///etc", None)),
            say(lambda: c.create_model_version("{MODEL}", "models:/m-{"a" * 32}", None)),
            say(lambda: c.delete_model_version("{MODEL}", "1")),
            say(lambda: c.delete_registered_model_alias("{MODEL}", "champion")),
            say(lambda: c.set_model_version_tag("{MODEL}", "1", "assay.tier", "low")),
            say(lambda: c.set_registered_model_tag("{MODEL}", "mlflow.prompt.is_prompt", "true")),
            say(lambda: c.delete_model_version_tag("{MODEL}", "1", "assay.tier")),
            say(lambda: c.transition_model_version_stage("{MODEL}", "2", "Production")),
        ]))
        """,
        name="ada",
    )
    denied, invalid = "PERMISSION_DENIED", "INVALID_PARAMETER_VALUE"
    assert [one[0] for one in refused] == [
        "RESOURCE_CONFLICT", denied, denied, invalid, invalid, denied, denied, denied, invalid, invalid, invalid,
        denied,
    ]  # fmt: skip
    assert all(one[1] for one in refused)
    assert "2 more of 2 approvals" in refused[0][2]
    assert "signed run" in refused[5][2]
    assert "protected" in refused[7][2]
    assert promoted.world.follower.size == before


def test_an_unchanged_client_registers_tags_describes_and_points(promoted: Platform) -> None:
    promoted.desk.trained("final", run="run-3")
    found = mlflow(
        promoted,
        f"""
        v = c.create_model_version("{MODEL}", "mlflow-artifacts:/1/{"0" * 32}/artifacts/final", "{"0" * 32}",
                                   tags={{"team": "credit"}}, description="a third try")
        c.set_model_version_tag("{MODEL}", v.version, "reviewed", "yes")
        c.update_registered_model("{MODEL}", "who defaults next month")
        c.set_registered_model_tag("{MODEL}", "owner", "risk")
        c.set_registered_model_alias("{MODEL}", "challenger", v.version)
        seen = c.get_model_version_by_alias("{MODEL}", "challenger")
        model = c.get_registered_model("{MODEL}")
        tagged = c.search_model_versions("tag.reviewed = 'yes'")
        named = c.create_registered_model("named-only", tags={{"a": "b"}}, description="empty yet")
        try:
            c.create_registered_model("named-only")
        except mlflow.MlflowException as error:
            again = error.error_code
        graph = mlflow.onnx.load_model("models:/{MODEL}@challenger")
        for _ in range(2):
            c.delete_registered_model_alias("{MODEL}", "challenger")
        after = c.get_registered_model("{MODEL}").aliases
        print(json.dumps([
            v.version, v.status, seen.version, seen.description, seen.tags["team"], seen.tags["assay.tier"],
            model.description, model.tags, model.aliases, [t.version for t in tagged], named.tags, again,
            len(graph.graph.node), sorted(m.name for m in c.search_registered_models()),
            [m.name for m in c.search_registered_models("tag.owner = 'risk'")], after,
        ]))
        """,
    )
    assert found == [
        "3", "READY", "3", "a third try", "credit", "limited", "who defaults next month", {"owner": "risk"},
        {"challenger": "3", "champion": "1"}, ["3"], {"a": "b"}, "RESOURCE_ALREADY_EXISTS", 1,
        [MODEL, "named-only"], [MODEL], {"champion": "1"},
    ]  # fmt: skip


def test_refusals_and_unknown_routes_are_said_in_mlflows_words(promoted: Platform) -> None:
    found = mlflow(
        promoted,
        f"""
        from mlflow.exceptions import MlflowException
        def say(work):
            try:
                work()
            except MlflowException as error:
                return error.error_code
            return "NOT REFUSED"
        print(json.dumps([
            say(lambda: c.get_registered_model("other")),
            say(lambda: c.get_model_version("{MODEL}", "9")),
            say(lambda: c.get_model_version_by_alias("{MODEL}", "other")),
            say(lambda: c.search_model_versions("nonsense here")),
            say(lambda: c.search_experiments()),
        ]))
        """,
    )
    assert found == [
        "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE",
        "INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND",
    ]  # fmt: skip


def test_who_may_not_read_is_refused_in_mlflows_words(promoted: Platform) -> None:
    client = promoted.client(promoted.workload("/svc/core/ingestion"))
    answer = client.get("/api/2.0/mlflow/registered-models/get", params={"name": MODEL})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_only_packages_are_served_as_artifacts(promoted: Platform) -> None:
    client = promoted.client(promoted.person("dana"))
    root = "/api/2.0/mlflow-artifacts/artifacts"
    package = promoted.desk.registry.believed.version(MODEL, 1).fact.body["package"]
    listed = client.get(root, params={"path": f"packages/sha256-{package}"}).json()["files"]
    assert "model.onnx" in [entry["path"] for entry in listed]
    for path in ("", "../", "packages", f"packages/sha256-{'f' * 64}", "1/2/artifacts", "packages/sha256-x"):
        answer = client.get(root, params={"path": path})
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    for path in ("served.db", f"packages/sha256-{package}/../../x", f"packages/sha256-{package}/nothing"):
        assert client.get(f"{root}/{path}").status_code == 404
    assert client.put(f"{root}/packages/sha256-{package}/model.onnx", content=b"x").status_code == 404
    served = client.get(f"{root}/packages/sha256-{package}/model.onnx").content
    assert served == promoted.desk.registry.packages.file(package, "model.onnx")


def test_an_edited_alias_row_is_refused_over_mlflow_too(promoted: Platform) -> None:
    import sqlite3

    client = promoted.client(promoted.person("dana"))
    with sqlite3.connect(promoted.folder / "served.db") as database:
        database.execute("UPDATE alias SET number = 3 - number")
    try:
        answer = client.get(
            "/api/2.0/mlflow/registered-models/alias", params={"name": MODEL, "alias": "champion"}
        )
        assert (answer.status_code, answer.json()["title"]) == (409, "ProjectionTampered")
        assert answer.json()["error_code"] == "RESOURCE_CONFLICT"
    finally:
        with sqlite3.connect(promoted.folder / "served.db") as database:
            database.execute("UPDATE alias SET number = 3 - number")
        database.close()


def test_a_revoked_version_is_not_downloaded(promoted: Platform) -> None:
    desk = promoted.desk
    version = desk.registry.believed.version(MODEL, 2)
    desk.registry.revoke(version.digest, what="version", reason="a test", by=desk.person("ada"))
    client = promoted.client(promoted.person("dana"))
    query = {"name": MODEL, "version": "2"}
    answer = client.get("/api/2.0/mlflow/model-versions/get-download-uri", params=query)
    assert (answer.status_code, answer.json()["title"]) == (403, "ChainRevoked")
    shown = client.get("/api/2.0/mlflow/model-versions/get", params=query).json()["model_version"]
    assert (shown["status"], shown["status_message"]) == ("FAILED_REGISTRATION", "revoked: a test")
