"""Tracking as it runs: MLflow as a child process, the front over mutual TLS, the policy that is checked in.

Facts are left out: who holds which role is a list.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from services.tracking.adapters.mlflow_server import MlflowServer
from services.tracking.app import build
from services.tracking.errors import TrackingDown
from tests.integration.identity.lab import Lab
from tests.unit.tracking.front import parts, rules

PATIENCE_SECONDS = 120.0


@dataclass
class Tracking:
    """The front's address, MLflow behind it, and whoever may knock."""

    lab: Lab
    mlflow: MlflowServer
    url: str

    def http(self, path: str) -> httpx.Client:
        """Connect with a certificate of this identity."""
        return self.lab.workload(path).client(self.url, expect="tracking")

    def environment(self, path: str) -> dict[str, str]:
        """Return what an unchanged MLflow client needs to be this identity."""
        identity = self.lab.workload(path)
        return {
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(identity.combined_path),
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(identity.ca_path),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "GIT_PYTHON_REFRESH": "quiet",
        }


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    folder = tmp_path_factory.mktemp("tracking")
    mlflow = MlflowServer(folder / "data", folder).start()
    lab = Lab(folder / "lab")
    try:
        identity = lab.workload("/svc/core/tracking")
        url = lab.serve(build(parts(rules(), identity), mlflow), identity)
        yield Tracking(lab, mlflow, url)
    finally:
        lab.close()
        mlflow.close()


@pytest.fixture
def be(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make this process's MLflow client somebody."""

    def become(path: str) -> None:
        for name, value in tracking.environment(path).items():
            monkeypatch.setenv(name, value)

    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    return become


def until(done: Callable[[], bool]) -> None:
    """Wait for something that takes MLflow's time to start."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(mlflow: MlflowServer) -> bool:
    """Say whether MLflow answers."""
    try:
        return mlflow.ask("GET", "/health").status == httpx.codes.OK
    except TrackingDown:
        return False
