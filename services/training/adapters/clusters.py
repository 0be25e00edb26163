"""Runs as child processes of training, on this machine: one driver each, and its cluster below it.

A driver gets its order as one line on standard input and an environment with nothing of the platform in it. It
is a process group of its own, and training holds the other end of its standard input: when training goes,
however it goes, the driver and its cluster go too.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

from assay.errors import ServiceError
from assay.telemetry import current_traceparent
from services.training.adapters.folders import RunFolders
from services.training.authority import cluster_tls
from services.training.domain import Run
from services.training.driver.cluster import ADDRESS, cluster_environment
from services.training.driver.order import RunOrder
from services.training.errors import ClusterFailed, TimeLimit, TrainingBroke
from services.training.inputs import Inputs
from services.training.ports import Credentials, Ended, Event, Started, Tell
from services.training.source import Source

PASSED_ON: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "OMP_NUM_THREADS")
MODULE: Final = "services.training.driver"
END_SECONDS: Final = 20.0  # for a cluster to shut down after its script came to an end
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How long a run may take, in seconds, how often its workers may die, and whether this machine has a GPU."""

    seconds: int
    max_failures: int
    gpu: bool


@dataclass
class LocalClusters:
    """A `Clusters` of local processes; `tell` hears of each run from a thread of its own."""

    folders: RunFolders
    urls: Mapping[str, str]  # features, training
    roots: Callable[[], str]  # PEM, as they are believed when a run starts
    limits: Limits
    tell: Tell
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    command: Sequence[str] = (sys.executable, "-m", MODULE)
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _watchers: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, run: Run, source: Source, inputs: Inputs, credentials: Credentials) -> None:
        """See `ports.Clusters.start`."""
        tls = cluster_tls(run.id, ADDRESS, datetime.now(UTC), timedelta(seconds=2 * self.limits.seconds))
        token = secrets.token_hex(32)
        folder = self.folders.make(run.id, source, credentials, tls, ca=self.roots(), token=token)
        child = subprocess.Popen(
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a script may print rows: nothing it says reaches a disk
            env=self.environment(folder),
            cwd=folder,
            start_new_session=True,
        )
        with self._lock:
            self._children[run.id] = child
        line = self._order(run, inputs, credentials, folder).line()
        trace = contextvars.copy_context()  # what is said of the run belongs to the trace that started it
        watcher = threading.Thread(
            target=trace.run, args=(self._watch, run.id, child, line), name=run.id, daemon=True
        )
        self._watchers.append(watcher)
        watcher.start()

    def environment(self, folder: Path) -> dict[str, str]:
        """Return all a driver sees of the world."""
        passed = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
        return passed | cluster_environment(folder)

    def stop(self, run: str) -> None:
        """See `ports.Clusters.stop`."""
        with self._lock:
            child = self._children.get(run)
        if child is not None:
            _kill(child)

    def close(self) -> None:
        """End every run and remove its folder."""
        with self._lock:
            children = list(self._children.values())
        for child in children:
            _kill(child)
        for watcher in self._watchers:
            watcher.join(END_SECONDS)
        self.folders.close()

    def _order(self, run: Run, inputs: Inputs, credentials: Credentials, folder: Path) -> RunOrder:
        return RunOrder(
            run=run.id,
            folder=str(folder),
            entry=run.entry,
            parameters=run.parameters,
            workers=run.workers,
            seed=run.seed,
            max_failures=self.limits.max_failures,
            features=inputs.features,
            order=credentials.order,
            features_url=self.urls["features"],
            training_url=self.urls["training"],
            traceparent=current_traceparent(),
            gpu=self.limits.gpu,
        )

    def _watch(self, run: str, child: subprocess.Popen[bytes], line: bytes) -> None:
        """Hand the order over, hear the driver out, and say once how it ended."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(child)

        timer = threading.Timer(self.limits.seconds, expire)
        timer.start()
        try:
            heard = self._hear(run, child, line)
        except OSError as error:
            heard = Ended(ClusterFailed(f"the run's process ended while it was told what to do: {error}"))
        timer.cancel()
        if expired.is_set():
            heard = Ended(TimeLimit(f"the run took longer than {self.limits.seconds} s"))
        self._say(run, heard)
        self._bury(run, child)

    def _hear(self, run: str, child: subprocess.Popen[bytes], line: bytes) -> Ended:
        stdin, stdout = _pipe(child.stdin), _pipe(child.stdout)
        stdin.write(line)
        stdin.flush()
        for said in stdout:
            event = _event(said)
            if isinstance(event, Ended):
                return event
            if event is not None:
                self._say(run, event)
        return Ended(ClusterFailed("the run's process ended without a word"))

    def _say(self, run: str, event: Event) -> None:
        try:
            self.tell(run, event)
        except ServiceError as refusal:
            _log.warning("%s: %s: %s", run, type(refusal).__name__, refusal.detail)
        except Exception:  # noqa: BLE001 - the thread's edge: the run must not stay under way for ever
            _log.exception("%s: what its process said could not be taken", run)
            if not (isinstance(event, Ended) and isinstance(event.failure, TrainingBroke)):
                self._say(run, Ended(TrainingBroke("something unexpected happened in training; see its log")))

    def _bury(self, run: str, child: subprocess.Popen[bytes]) -> None:
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("%s: the cluster did not shut down within %s s", run, END_SECONDS)
        _kill(child)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(BrokenPipeError):  # an order that was never read
                _pipe(pipe).close()
        self.folders.remove(run)
        with self._lock:
            self._children.pop(run, None)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a driver and what it started; its cluster's processes die with it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("no pipe to the run's process")
    return pipe


def _event(line: bytes) -> Event | None:
    """Read what a driver says; anything else on its line is nothing."""
    try:
        said: dict[str, Any] = json.loads(line)
        match said["event"]:
            case "progress":
                return Started(str(said["doing"])[:200])
            case "finished":
                return Ended(None)
            case "failed":
                return Ended(ClusterFailed(str(said["detail"])[:1000]))
    except (ValueError, KeyError, TypeError):
        return None
    return None
