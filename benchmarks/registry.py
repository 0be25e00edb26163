"""Searching and listing at 100,000 versions of 1,000 models: our registry over mutual TLS beside MLflow's own server.

Theirs is `mlflow server` (one worker, plain HTTP, SQLite) whose versions carry no tags; ours carry the five that every
version of ours has. Both are asked the same address with the same client, turn by turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from assay_laptop.platform.addresses import free_ports
from benchmarks.report import Row
from benchmarks.support.crowded_registry import BEGAN, mlflow_run, model_name

MODELS, VERSIONS = 1_000, 100_000
OURS, THEIRS = 200, 15  # how often each is asked
API = "/api/2.0/mlflow"
START_SECONDS = 120.0
QUERIES: dict[str, tuple[str, dict[str, str]]] = {
    "the newest 100 versions": (f"{API}/model-versions/search", {"max_results": "100"}),
    "100 versions, from the 50,000th": (
        f"{API}/model-versions/search",
        {"max_results": "100", "page_token": "50000"},
    ),
    "the versions of one model": (
        f"{API}/model-versions/search",
        {"max_results": "100", "filter": f"name = '{model_name(500)}'"},
    ),
    "versions by a part of the name": (
        f"{API}/model-versions/search",
        {"max_results": "100", "filter": "name LIKE '%-0050%'"},
    ),
    "the version of a run": (
        f"{API}/model-versions/search",
        {"max_results": "100", "filter": f"run_id = '{mlflow_run(77_777)}'"},
    ),
    "the first 100 models": (f"{API}/registered-models/search", {"max_results": "100"}),
    "one model": (f"{API}/registered-models/search", {"filter": f"name = '{model_name(500)}'"}),
}


def run() -> Iterable[Row]:
    """Ask both the same questions."""
    with TemporaryDirectory() as folder, _ours() as ours, _theirs(Path(folder)) as theirs:
        for what, (path, query) in QUERIES.items():
            own, found = _asked(ours, path, query, OURS)
            other, wanted = _asked(theirs, path, _theirs_spelled(query), THEIRS)
            if found != wanted:
                raise AssertionError(f"{what}: we found {found} and MLflow {wanted}")
            yield Row(
                what,
                f"p50 {own:.1f} ms",
                f"p50 {other:.1f} ms",
                f"{other / own:.0f}x",
                aim="10x",
                note=f"{VERSIONS:,} versions of {MODELS:,} models, {found} rows; peer: mlflow server, plain HTTP",
            )


def _asked(http: httpx.Client, path: str, query: dict[str, str], times: int) -> tuple[float, int]:
    """Return the median in milliseconds, and how many rows came."""
    took, rows = [], 0
    for _ in range(times + 2):
        began = time.perf_counter()
        answer = http.get(path, params=query).raise_for_status().json()
        took.append((time.perf_counter() - began) * 1000)
        rows = len(answer.get("model_versions") or answer.get("registered_models") or [])
    return sorted(took[2:])[times // 2], rows


def _theirs_spelled(query: dict[str, str]) -> dict[str, str]:
    """Return a query with the page token as MLflow's server spells it."""
    from mlflow.utils.search_utils import SearchUtils

    if "page_token" not in query:
        return query
    token = SearchUtils.create_page_token(int(query["page_token"]))
    return {**query, "page_token": token.decode() if isinstance(token, bytes) else str(token)}


@contextmanager
def _ours() -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "benchmarks.support.crowded_registry", str(MODELS), str(VERSIONS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        said = next(found for line in process.stdout or () if "cert" in (found := json.loads(line)))
        tls = ssl.create_default_context(cafile=said["ca"])
        tls.load_cert_chain(said["cert"])
        with httpx.Client(base_url=said["url"], verify=tls, timeout=120) as http:
            yield http
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _theirs(folder: Path) -> Iterator[httpx.Client]:
    uri = f"sqlite:///{folder}/mlflow.db"
    _fill(uri)
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--artifacts-destination", str(folder / "a")]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    log = (folder / "mlflow.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as http:
            _until(lambda: http.get("/health").is_success)
            yield http
    finally:
        process.terminate()
        process.wait()
        log.close()


def _fill(uri: str) -> None:
    """Write the same models and versions into MLflow's own tables, made by MLflow."""
    import sqlalchemy as sa
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModel
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(uri)
    at = int(BEGAN.timestamp() * 1000)
    with store.engine.begin() as connection:
        names = [{"name": model_name(n), "creation_time": at, "last_updated_time": at} for n in range(MODELS)]
        connection.execute(sa.insert(SqlRegisteredModel), names)
        connection.execute(sa.insert(SqlModelVersion), [_version(n, at) for n in range(VERSIONS)])
    store.engine.dispose()


def _version(n: int, at: int) -> dict[str, object]:
    return {
        "name": model_name(n % MODELS),
        "version": n // MODELS + 1,
        "creation_time": at + n * 1000,
        "last_updated_time": at + n * 1000,
        "user_id": "p-dana",
        "current_stage": "None",
        "source": f"mlflow-artifacts:/packages/sha256-{n:064x}",
        "run_id": mlflow_run(n),
        "status": "READY",
    }


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if done():
                return
        time.sleep(0.2)
    raise AssertionError("the server did not start")
