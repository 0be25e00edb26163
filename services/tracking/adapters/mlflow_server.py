"""The MLflow server: a child process on a unix socket in the private run folder, restarted when it dies.

It sees no Vault login, no certificate and no network: whoever reaches the socket is this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, Self
from urllib.parse import urlencode

import httpx

from assay.contracts import strict_json
from services.tracking.errors import TrackingDown, UnknownEntity
from services.tracking.ports import JSON, OCTETS, Answer

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
            with suppress(TrackingDown):
                if self.ask("GET", "/health").status == httpx.codes.OK:
                    return
            time.sleep(_LOOK_SECONDS)
        raise TrackingDown(f"MLflow does not answer after {STARTS_WITHIN_SECONDS:.0f} s")

    def close(self) -> None:
        """End the server."""
        self._ending.set()
        if self._watcher.ident is not None:
            self._watcher.join()  # nobody starts it again
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Answer:
        """See `ports.Mlflow.ask`."""
        with self._asked(method, path, params=urlencode(query or []), json=body) as got:
            return _answer(got)

    def store(self, path: str, content: IO[bytes]) -> Answer:
        """See `ports.Mlflow.store`."""
        with self._asked("PUT", path, content=content) as got:
            return _answer(got)

    def fetch(self, path: str, into: IO[bytes], query: list[tuple[str, str]] | None = None) -> Answer:
        """See `ports.Mlflow.fetch`."""
        with self._asked("GET", path, params=urlencode(query or [])) as got:
            if got.status_code != httpx.codes.OK:
                return _answer(got)
            for chunk in got.iter_bytes():
                into.write(chunk)
            return Answer(got.status_code, OCTETS, b"")

    def document(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """See `ports.Mlflow.document`."""
        answer = self.ask("GET", path, query=query)
        if answer.status != httpx.codes.OK:
            raise UnknownEntity(f"MLflow answers {answer.status}")
        found: dict[str, Any] = strict_json(answer.body)
        return found

    @contextmanager
    def _asked(self, method: str, path: str, **sent: Any) -> Iterator[httpx.Response]:  # noqa: ANN401 - httpx's own
        """Send a request; what MLflow itself failed at is told from what it refuses, and not shown."""
        if not self._socket.exists():
            raise TrackingDown("MLflow is starting")
        try:
            with self._http.stream(method, path, **sent) as got:
                if got.is_server_error or got.is_redirect:
                    raise TrackingDown(f"MLflow answers {got.status_code}")
                yield got
        except httpx.TransportError as error:
            raise TrackingDown(f"MLflow does not answer: {type(error).__name__}") from error

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


def _answer(got: httpx.Response) -> Answer:
    """Return status and body: of MLflow's headers nothing is kept, and no media type a browser would run."""
    json = got.headers.get("content-type", "").partition(";")[0] == JSON
    return Answer(got.status_code, JSON if json else OCTETS, got.read())
