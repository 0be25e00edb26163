"""Predictors as child processes of serving, on this machine.

A child gets its key, certificate and Vault login as one line on standard input, and an environment without
any of serving's settings. Serving holds the other end of that pipe: when serving dies, however it dies, the
pipe ends and the predictor goes with it. A child that dies is started again, with a fresh certificate and
login.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from assay.errors import ServiceError
from services.serving.adapters.addresses import Addresses
from services.serving.domain import Place

PASSED_ON: Final = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "OMP_NUM_THREADS")
END_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 30.0  # a child that lived this long is started again without a longer pause
STDERR: Final = 2  # what a predictor tells a supervisor goes where serving's log goes
_log = logging.getLogger(__name__)


class LocalProcesses:
    """A `ControlPlane` of local processes. `line(place, port)` is what a new predictor is given."""

    def __init__(
        self,
        line: Callable[[Place, int], bytes],
        addresses: Addresses,
        *,
        module: str = "services.predictor",
        environ: Mapping[str, str] = os.environ,
        first_pause: float = 0.5,
    ) -> None:
        self._line = line
        self._addresses = addresses
        self._command = [sys.executable, "-m", module]
        self._environ = {name: environ[name] for name in PASSED_ON if name in environ}
        self._pause = first_pause
        self._lock = threading.Lock()
        self._watchers: dict[Place, threading.Thread] = {}
        self._children: dict[Place, subprocess.Popen[bytes]] = {}
        self._closing = threading.Event()

    def ensure(self, place: Place) -> None:
        """See `ports.ControlPlane.ensure`."""
        with self._lock:
            if place in self._watchers or self._closing.is_set():
                return
            watcher = threading.Thread(target=self._watch, args=(place,), name=place.about, daemon=True)
            self._watchers[place] = watcher
            watcher.start()

    def url(self, place: Place) -> str | None:
        """See `ports.ControlPlane.url`."""
        return self._addresses.url(place)

    def close(self) -> None:
        """End every child: asked first, killed after ten seconds."""
        self._closing.set()
        with self._lock:
            children, watchers = list(self._children.values()), list(self._watchers.values())
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        for watcher in watchers:
            watcher.join(END_SECONDS)

    def _watch(self, place: Place) -> None:
        pause = self._pause
        while not self._closing.is_set():
            started = time.monotonic()
            self._run_once(place)
            if time.monotonic() - started > STEADY_SECONDS:
                pause = self._pause
            self._closing.wait(pause)
            pause = min(pause * 2, END_SECONDS)

    def _run_once(self, place: Place) -> None:
        try:
            child = self._start(place)
        except (ServiceError, OSError) as error:
            _log.warning("the predictor of %s cannot start: %s", place.about, error)
            return
        code = child.wait()
        if child.stdin:
            child.stdin.close()
        if not self._closing.is_set():
            _log.warning("the predictor of %s ended with %s", place.about, code)

    def _start(self, place: Place) -> subprocess.Popen[bytes]:
        line = self._line(place, self._addresses.take(place))
        with self._lock:
            if self._closing.is_set():
                raise OSError("serving is stopping")
            child = self._children[place] = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=STDERR, env=self._environ
            )
        if child.stdin is None:
            raise OSError("no pipe to the predictor")
        child.stdin.write(line)
        child.stdin.flush()
        _log.info("the predictor of %s is process %s", place.about, child.pid)
        return child
