"""A platform on this machine on which the main job has run: version 1 answers at its endpoint."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from assay.errors import ServiceError
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, Thread
from assay_laptop.home import Home
from assay_laptop.platform.environment import Timing
from assay_laptop.platform.supervisor import Supervisor

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Answering:
    """A platform that answers predictions, and the people on it."""

    supervisor: Supervisor
    thread: Thread


@contextmanager
def started(timing: Timing) -> Iterator[Supervisor]:
    """Make a platform on which nothing has happened yet, and end it with the block."""
    folder = mkdtemp(prefix="assay-bench-")
    try:
        with _up(Supervisor(Home.at(Path(folder) / "home"), timing, say=_nothing)) as supervisor:
            yield supervisor
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def answering(timing: Timing) -> Iterator[Answering]:
    """Make a platform, run the main job on it, start it again with this timing, and end it with the block."""
    folder = mkdtemp(prefix="assay-bench-")
    home = Home.at(Path(folder) / "home")  # its witness stands beside it
    thread = Thread(home.path, say=_nothing)
    try:
        with _up(Supervisor(home, Timing(lease=timing.lease), say=_nothing)):
            thread.log_in()
            thread.pipeline()
            thread.approve(1)
            thread.roll_out(1)
        with _up(Supervisor(home, timing, say=_nothing)) as supervisor:
            _until_answering(thread)
            yield Answering(supervisor, thread)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _up(supervisor: Supervisor) -> Iterator[Supervisor]:
    try:
        supervisor.up()
        yield supervisor
    finally:
        supervisor.down()


def _until_answering(thread: Thread) -> None:
    """Return when the predictor that serving started again answers."""
    dana, end = thread.sessions["dana"], time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            dana.endpoints.predict(ENVIRONMENT, ENDPOINT, thread.rows())
        except ServiceError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def _nothing(_: str) -> None:
    """Say nothing: a benchmark prints a table."""
