"""How a run's process is started, heard and ended; the process is a few lines of Python instead of Ray."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.training.adapters.clusters import Limits, LocalClusters
from services.training.adapters.folders import ROOM, RunFolders
from services.training.domain import Run
from services.training.errors import ClusterFailed, TimeLimit, TrainingBroke
from services.training.inputs import Inputs
from services.training.ports import Credentials, Ended, Event, Started
from services.training.source import Source
from tests.unit.training.made import NAMES, run

INPUTS = Inputs("f" * 64, NAMES, {"train": "a" * 64}, {}, "credit", frozenset())
SOURCE = Source.checked({"train.py": "x = 1", "lib/net.py": "y = 2"}, "train.py")
GOOD = """
import json, os, sys
order = json.loads(sys.stdin.readline())
def tell(**event): print(json.dumps(event), flush=True)
ours = sorted(name for name in os.environ if name.startswith("ASSAY") or "VAULT" in name)
tell(event="progress", doing=" ".join(ours) or "clean")
print("what a library prints")
tell(event="progress", doing=open("source/lib/net.py").read() + " " + os.path.realpath(order["folder"]))
tell(event="finished")
"""


@dataclass
class Heard:
    """What is told of runs."""

    events: list[Event] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    breaks: bool = False

    def __call__(self, _run: str, event: Event) -> None:
        """Hear one event."""
        self.events.append(event)
        if self.breaks and not (isinstance(event, Ended) and isinstance(event.failure, TrainingBroke)):
            raise RuntimeError("training itself is broken")
        if isinstance(event, Ended):
            self.over.set()

    @property
    def end(self) -> Ended:
        """How it ended, once it has."""
        assert self.over.wait(60)
        (found,) = [each for each in self.events if isinstance(each, Ended)][-1:]
        return found


@dataclass
class Place:
    """Clusters whose processes run a program of the test."""

    clusters: LocalClusters
    heard: Heard

    def start(self, program: str, seconds: int = 60) -> Run:
        """Start a run whose process is this program."""
        self.clusters.command = (sys.executable, "-c", program)
        self.clusters.limits = Limits(seconds, 2, gpu=False)
        started = run()
        self.clusters.start(started, SOURCE, INPUTS, Credentials("key", "chain", "order"))
        return started

    def gone(self) -> bool:
        """Say whether nothing of the run is left."""
        for watcher in self.clusters._watchers:
            watcher.join(30)
        return not self.clusters.folders.of(run().id).exists() and not self.clusters._children


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    heard = Heard()
    environ = {"PATH": os.environ["PATH"], "ASSAY_VAULT_WRAPPED_SECRET_ID": "s.secret", "VAULT_TOKEN": "x"}
    clusters = LocalClusters(
        folders=RunFolders.at(tmp_path),
        urls={"features": "https://f", "training": "https://t"},
        roots=lambda: "ca",
        limits=Limits(60, 2, gpu=False),
        tell=heard,
        environ=environ,
    )
    yield Place(clusters, heard)
    clusters.close()


def test_a_process_is_told_its_order_and_nothing_of_the_platform(place: Place) -> None:
    place.start(GOOD)
    assert place.heard.end == Ended(None)
    folder = place.clusters.folders.of(run().id)
    assert place.heard.events[:2] == [Started("clean"), Started(f"y = 2 {folder.resolve()}")]
    assert place.gone()


def test_keys_and_source_are_for_their_owner_alone_while_it_lasts(place: Place) -> None:
    program = (
        "import json, os, stat, sys; sys.stdin.readline();"
        "modes = {oct(stat.S_IMODE(os.stat(p).st_mode)) for p in ('identity.key', 'token', 'cluster.key')};"
        "print(json.dumps({'event': 'progress', 'doing': f'{sorted(modes)} {oct(os.stat(\".\").st_mode)[-3:]}'}));"
        "print(json.dumps({'event': 'finished'}))"
    )
    place.start(program)
    assert place.heard.end == Ended(None)
    assert place.heard.events[0] == Started("['0o600'] 700")


@pytest.mark.parametrize(
    "program", ["", "import sys; sys.exit(3)", "import os; os.kill(os.getpid(), 9)", "print('hello')"]
)
def test_a_process_that_ends_without_a_word_fails_the_run(place: Place, program: str) -> None:
    place.start(program)
    assert isinstance(place.heard.end.failure, ClusterFailed)
    assert place.gone()


def test_what_the_cluster_says_of_its_failure_is_heard(place: Place) -> None:
    place.start("import json; print(json.dumps({'event': 'failed', 'detail': 'worker 1 died 3 times'}))")
    failure = place.heard.end.failure
    assert isinstance(failure, ClusterFailed)
    assert failure.detail == "worker 1 died 3 times"


def test_a_run_past_its_limit_is_ended_with_everything_it_started(place: Place) -> None:
    program = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    place.start(program, seconds=1)
    assert isinstance(place.heard.end.failure, TimeLimit)
    assert place.gone()


def test_a_run_that_is_stopped_ends(place: Place) -> None:
    started = place.start("import time; time.sleep(600)")
    place.clusters.stop(started.id)
    assert isinstance(place.heard.end.failure, ClusterFailed)
    assert place.gone()


def test_a_run_ends_even_when_training_cannot_take_what_is_said(place: Place) -> None:
    place.heard.breaks = True
    place.start(GOOD)
    assert place.heard.over.wait(60)
    ends = [each.failure for each in place.heard.events if isinstance(each, Ended)]
    assert any(isinstance(failure, TrainingBroke) for failure in ends)


def test_closing_leaves_no_folder(place: Place) -> None:
    place.start("import time; time.sleep(600)")
    place.clusters.close()
    assert not place.clusters.folders.root.exists()


def test_a_folder_is_short_enough_for_sockets_and_a_crashs_leftovers_are_removed(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60)
    folders = RunFolders.at(deep)
    try:
        assert len(str(folders.root)) <= ROOM
        (folders.root / "left").mkdir()
        assert list(RunFolders.at(deep).root.iterdir()) == []
    finally:
        folders.close()
