"""One part of the platform as a process: started, listened to, restarted when it dies, ended.

A part says what it is doing on its standard output, one JSON object a line (`listening`, `ready`, `certificate`,
`version`); what it logs goes to a file of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import ServiceError

TRIES_IN_A_ROW = 5
STEADY_SECONDS = 60
PATIENCE_SECONDS = 15


@dataclass(frozen=True)
class Command:
    """How to start a part: made anew at each start, because a wrapped secret id works once."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass
class Part:
    """A supervised process. `plan` is called before each start; `changed` after each change of state."""

    name: str
    plan: Callable[[], Command]
    log: Path
    changed: Callable[[], None]
    state: str = "stopped"
    events: dict[str, Any] = field(default_factory=dict)
    started: float = 0.0
    restarts: int = 0
    certificates: int = 0  # how many the part has told of
    tries: int = 0
    process: subprocess.Popen[str] | None = None
    _watcher: threading.Thread | None = None
    until_answered: Callable[[], None] | None = None  # for a foreign server, which prints no events
    ready: threading.Event = field(default_factory=threading.Event)
    listening: threading.Event = field(default_factory=threading.Event)
    _ending: threading.Event = field(default_factory=threading.Event)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start the process and listen to it; a foreign server is waited for until it answers."""
        self._ending.clear()
        self._launch(self.plan())
        self._wait_answered()

    def _launch(self, command: Command) -> None:
        """Start the process, unless the part was asked to end meanwhile."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.listening.clear()
        self.ready.clear()
        with self._starting, self.log.open("ab") as log:
            if self._ending.is_set():
                self._become("stopped")
                return
            process = self.process = subprocess.Popen(
                command.argv,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            self.started = time.time()
            self._become("starting")
            reader = threading.Thread(target=self._listen, args=(process,), daemon=True)
            self._watcher = threading.Thread(target=self._watch, args=(process, reader), daemon=True)
            reader.start()
            self._watcher.start()

    def _wait_answered(self) -> None:
        if self.until_answered is not None:
            self.until_answered()
            self._mark_ready()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the part is ready; False when it died for good or the time is over."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.state != "failed":
            if self.ready.wait(0.05):
                return True
        return self.ready.is_set()

    def _mark_ready(self) -> None:
        self.listening.set()
        self.ready.set()
        self._become("ready")

    def expect_end(self) -> None:
        """From here on an end is no accident."""
        self._ending.set()

    def stop(self) -> None:
        """End the process: ask first, then insist."""
        self.expect_end()
        with self._starting:
            process, watcher = self.process, self._watcher
        if process is None or watcher is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        watcher.join()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - Popen was given PIPE
        with process.stdout as lines:
            for line in lines:
                self._hear(line)

    def _watch(self, process: subprocess.Popen[str], reader: threading.Thread) -> None:
        code = process.wait()
        _end_group(process.pid)  # first: what it left behind may hold the pipe open
        reader.join()
        if self._ending.is_set():
            self.ready.clear()
            self._become("stopped")
        else:
            self._died(code)

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
            kind = event.pop("event")
            self.events[kind] = event
        except (ValueError, KeyError, AttributeError, TypeError):
            return  # a library's print: not an event
        self.certificates += kind == "certificate"
        if kind == "listening":
            self.listening.set()
            if not self.ready.is_set():  # a second listener may come up after the part is ready
                self._become("listening")
        elif kind == "ready":
            self.ready.set()
            self._become("ready")
        else:
            self.changed()

    def _died(self, code: int | None) -> None:
        """Try again, later each time; `code` is None when the part could not even be planned."""
        self.ready.clear()
        self.listening.clear()
        self.events["died"] = {"code": code, "at": time.time()}
        self.tries = 1 if time.time() - self.started > STEADY_SECONDS else self.tries + 1
        if self.tries > TRIES_IN_A_ROW:
            self._become("failed")
            return
        self.restarts += 1
        self._become("restarting")
        if self._ending.wait(min(0.2 * 2**self.tries, 5.0)):
            self._become("stopped")
            return
        self._start_again()

    def _start_again(self) -> None:
        """Start anew; whoever is needed for it may be down too, which is one more death."""
        self.started = time.time()
        try:
            command = self.plan()
        except (ServiceError, OSError):
            self._died(None)
            return
        self._launch(command)
        process = self.process
        try:
            self._wait_answered()
        except (ServiceError, OSError):
            if process is not None:
                process.kill()  # its own watcher sees the death

    def _become(self, state: str) -> None:
        self.state = state
        self.changed()

    def describe(self) -> dict[str, Any]:
        """Return what `assay status` shows of this part."""
        return {
            "state": self.state,
            "pid": self.process.pid if self.process else None,
            "started": self.started,
            "restarts": self.restarts,
            **self.events,
        }


def _end_group(leader: int) -> None:
    """End what a part left behind: each part is the leader of a session of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
