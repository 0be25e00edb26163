"""A part as a process: small Python programs that say events, die, leave children behind or will not end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assay.errors import Unavailable
from assay_laptop.platform import process
from assay_laptop.platform.process import Command, Part

HANG_SECONDS = 30.0

SAY = """
import json, os, pathlib, signal, subprocess, sys, time
def say(event, **more): print(json.dumps({"event": event, **more}), flush=True)
first = not os.path.exists("begun")
pathlib.Path("begun").touch()
"""
STAYS = "say('listening', url='https://127.0.0.1:1'); say('ready'); time.sleep(600)"


def until(wanted: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + HANG_SECONDS
    while not wanted():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Say whether a process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class Watched:
    """A part that runs a program in a folder of its own, and every state it was in."""

    part: Part
    states: list[str] = field(default_factory=list)
    plans: int = 0


Make = Callable[..., Watched]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Watched] = []

    def make(
        program: str,
        *,
        plan: Callable[[int], None] = lambda _: None,
        until_answered: Callable[[], None] | None = None,
    ) -> Watched:
        def command() -> Command:
            watched.plans += 1
            plan(watched.plans)
            argv = (sys.executable, "-S", "-c", f"import os; os.chdir({str(tmp_path)!r})\n{SAY}\n{program}")
            return Command(argv, {"ASSAY_START": str(watched.plans)})

        part = Part(
            "part", command, tmp_path / "logs" / "part.log", lambda: watched.states.append(part.state)
        )
        part.until_answered = until_answered
        watched = Watched(part)
        made.append(watched)
        return watched

    yield make
    for watched in made:
        watched.part.stop()


def test_a_part_is_what_its_last_event_says(make: Make) -> None:
    watched = make(f"say('certificate', identity='spiffe://x', not_after='t'); {STAYS}")
    watched.part.start()
    assert watched.part.wait_ready(HANG_SECONDS)
    assert list(dict.fromkeys(watched.states)) == ["starting", "listening", "ready"]
    described = watched.part.describe()
    assert described["state"] == "ready"
    assert described["certificate"] == {"identity": "spiffe://x", "not_after": "t"}
    assert described["listening"] == {"url": "https://127.0.0.1:1"}
    assert runs(described["pid"])


def test_what_a_library_prints_is_no_event(make: Make) -> None:
    lines = ["hello", "[]", '"ready"', "{}", '{"event": ["x"]}', "null", '{"event": "ready"', ""]
    watched = make(f"for line in {lines!r}: print(line, flush=True)\n{STAYS}")
    watched.part.start()
    assert watched.part.wait_ready(HANG_SECONDS)
    assert set(watched.part.events) == {"listening", "ready"}


def test_a_part_sees_its_own_settings_alone_and_logs_to_its_own_file(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SECRET_OF_ANOTHER", "x")
    watched = make(
        f"print(sorted(k for k in os.environ if 'ASSAY' in k), file=sys.stderr, flush=True); {STAYS}"
    )
    watched.part.start()
    assert watched.part.wait_ready(HANG_SECONDS)
    watched.part.stop()
    assert watched.part.log.read_text() == "['ASSAY_START']\n"


def test_a_part_that_dies_is_started_again_with_a_plan_of_its_own(make: Make) -> None:
    watched = make(
        f"if first: say('ready'); sys.exit(3)\nsay('version', start=os.environ['ASSAY_START']); {STAYS}"
    )
    watched.part.start()
    until(lambda: watched.part.restarts == 1 and watched.part.state == "ready")
    assert watched.plans == 2
    assert watched.part.events["died"]["code"] == 3
    assert watched.part.events["version"] == {"start": "2"}
    assert "restarting" in watched.states


def test_a_part_that_dies_too_often_in_a_row_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TRIES_IN_A_ROW", 2)
    watched = make("sys.exit(1)")
    watched.part.start()
    assert not watched.part.wait_ready(HANG_SECONDS)
    assert watched.part.state == "failed"
    assert (watched.plans, watched.part.restarts) == (3, 2)


def test_a_part_that_was_steady_has_all_its_tries_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TRIES_IN_A_ROW", 1)
    monkeypatch.setattr(process, "STEADY_SECONDS", 0)
    watched = make("say('ready'); sys.exit(1)")
    watched.part.start()
    until(lambda: watched.part.restarts >= 3)
    assert "failed" not in watched.states


def test_a_plan_that_is_refused_is_one_more_try(make: Make) -> None:
    def plan(number: int) -> None:
        if number == 2:
            raise Unavailable("Vault is starting again too")

    watched = make(f"if first: sys.exit(1)\n{STAYS}", plan=plan)
    watched.part.start()
    until(lambda: watched.part.state == "ready")
    assert (watched.plans, watched.part.restarts, watched.part.tries) == (3, 2, 2)


def test_what_a_dead_part_left_behind_is_ended_before_it_is_started_again(make: Make) -> None:
    leaves = "say('version', child=subprocess.Popen(['sleep', '600']).pid); sys.exit(1)"
    watched = make(f"if first: {leaves}\nsay('certificate', of='the second'); {STAYS}")
    watched.part.start()
    until(lambda: watched.part.state == "ready")
    assert "of" in watched.part.events["certificate"]
    assert not runs(watched.part.events["version"]["child"])


def test_a_part_that_is_stopped_stays_stopped_with_its_children(make: Make) -> None:
    watched = make(f"say('version', child=subprocess.Popen(['sleep', '600']).pid); {STAYS}")
    watched.part.start()
    assert watched.part.wait_ready(HANG_SECONDS)
    pids = [watched.part.describe()["pid"], watched.part.events["version"]["child"]]
    watched.part.stop()
    assert watched.part.state == "stopped"
    assert (watched.part.restarts, watched.part.ready.is_set()) == (0, False)
    until(lambda: not any(runs(pid) for pid in pids))  # what is killed goes in its own time


def test_a_part_that_will_not_end_is_ended(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE_SECONDS", 0.2)
    watched = make(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}")
    watched.part.start()
    assert watched.part.wait_ready(HANG_SECONDS)
    watched.part.stop()
    assert watched.part.state == "stopped"
    assert not runs(watched.part.describe()["pid"])


def test_a_part_that_is_stopped_while_it_waits_to_start_again_stays_stopped(make: Make) -> None:
    watched = make("sys.exit(1)")
    watched.part.start()
    until(lambda: watched.part.state == "restarting")
    watched.part.stop()
    assert (watched.part.state, watched.plans) == ("stopped", 1)


def test_a_part_that_is_stopped_while_it_is_planned_again_stays_stopped(make: Make) -> None:
    planned, go_on = threading.Event(), threading.Event()

    def plan(number: int) -> None:
        if number == 2:
            planned.set()
            assert go_on.wait(HANG_SECONDS)

    watched = make(f"if first: sys.exit(1)\n{STAYS}", plan=plan)
    watched.part.start()
    assert planned.wait(HANG_SECONDS)
    stopping = threading.Thread(target=watched.part.stop)
    stopping.start()
    time.sleep(0.05)
    go_on.set()
    stopping.join(HANG_SECONDS)
    assert watched.part.state == "stopped"
    assert not runs(watched.part.describe()["pid"])


def test_a_part_that_was_stopped_can_be_started_again(make: Make) -> None:
    watched = make(STAYS)
    for _ in range(2):
        watched.part.start()
        assert watched.part.wait_ready(HANG_SECONDS)
        watched.part.stop()
    assert (watched.plans, watched.part.restarts) == (2, 0)


def test_a_foreign_server_is_ready_when_it_answers(make: Make) -> None:
    answered: list[int] = []
    watched = make("time.sleep(600)", until_answered=lambda: answered.append(os.getpid()))
    watched.part.start()
    assert watched.part.ready.is_set()
    assert (watched.part.state, len(answered)) == ("ready", 1)


def test_a_foreign_server_that_does_not_answer_again_is_ended_and_tried_again(make: Make) -> None:
    answers = iter([True, False, True])

    def until_answered() -> None:
        if not next(answers):
            raise Unavailable("it does not answer")

    watched = make("if first: sys.exit(1)\ntime.sleep(600)", until_answered=until_answered)
    watched.part.start()
    until(lambda: watched.part.restarts == 2 and watched.part.state == "ready")
    assert watched.part.events["died"]["code"] < 0


def test_a_part_that_never_ran_can_be_stopped(make: Make) -> None:
    watched = make(STAYS)
    watched.part.stop()
    assert watched.part.describe()["pid"] is None
