"""The MLflow server: a child process on a unix socket in the private run folder, restarted when it dies.

It sees no Vault login, no certificate and no network: whoever reaches the socket is this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx

from assay.contracts import strict_json
from services.tracking.errors import TrackingDown, UnknownRun
from services.tracking.ports import Answer

STARTS_WITHIN_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 10.0
_TIMEOUT: Final = httpx.Timeout(60, connect=2)
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class MlflowServer:
    """`services.tracking.ports.Mlflow` over the server of MLflow itself."""

    def __init__(self, data_dir: Path, run_dir: Path) -> None:
        self._data = data_dir
        self._socket = run_dir / "mlflow.sock"
        self._log = data_dir / "mlflow.log"
        transport = httpx.HTTPTransport(uds=str(self._socket), limits=httpx.Limits(max_connections=32))
        self._http = httpx.Client(
            transport=transport, base_url="http://localhost", timeout=_TIMEOUT, trust_env=False
        )
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="mlflow", daemon=True)

    def start(self) -> Self:
        """Start the server and whoever restarts it; returns at once."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = self._spawned()
        self._watcher.start()
        return self

    def wait(self) -> None:
        """Return when the server answers; raises TrackingDown when it does not in time."""
        end = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < end and not self._ending.is_set():
            try:
                if self._http.get("/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_LOOK_SECONDS)
        raise TrackingDown(f"MLflow does not answer after {STARTS_WITHIN_SECONDS:.0f} s")

    def close(self) -> None:
        """End the server."""
        self._ending.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a request; raises TrackingDown."""
        try:
            got = self._http.request(method, path, params=urlencode(query or []), json=body, content=content)
        except httpx.TransportError as error:
            raise TrackingDown(f"MLflow does not answer: {type(error).__name__}") from error
        return Answer(got.status_code, got.headers.get("content-type", "application/json"), got.content)

    def document(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """GET a JSON document; raises UnknownRun, TrackingDown."""
        answer = self.ask("GET", path, query=query)
        if answer.status != httpx.codes.OK:
            raise UnknownRun(f"MLflow answers {answer.status}")
        found: dict[str, Any] = strict_json(answer.body)
        return found

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            if self._process is not None and self._process.poll() is not None:
                self._ending.wait(_PAUSE_SECONDS)
                if not self._ending.is_set():
                    self._process = self._spawned()

    def _spawned(self) -> subprocess.Popen[bytes]:
        self._socket.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "uvicorn", "--uds", str(self._socket), "--no-access-log"]
        argv += ["--log-level", "warning", "mlflow.server.fastapi_app:app"]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                argv, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return kept | {
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self._data}/mlflow.db",
            "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{self._data}/unused-registry.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self._data / "artifacts"),
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_ENABLE_AI_GATEWAY": "false",
            "MLFLOW_SERVER_ALLOWED_HOSTS": "localhost",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "GIT_PYTHON_REFRESH": "quiet",
        }
