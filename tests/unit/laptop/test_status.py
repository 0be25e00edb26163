from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_laptop.home import Home
from assay_laptop.platform import status as statuses

PART: dict[str, Any] = {
    "state": "ready",
    "pid": os.getpid(),
    "started": 1_795_000_000.0,
    "restarts": 0,
    "version": {"version": "0.1.0"},
    "certificate": {
        "identity": "spiffe://assay.demo/svc/core/ledger",
        "not_after": "2026-11-18T13:06:40+00:00",  # two hours after `started`
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home.at(tmp_path / "home")
    made.make_run()
    yield made
    statuses.path_of(made).unlink(missing_ok=True)
    made.run.rmdir()


def test_what_a_running_supervisor_wrote_is_read_back(home: Home) -> None:
    told = statuses.of_this_process({"vault": "built-in"}, {"ledger": PART}, up=True)
    statuses.write(home, told)
    assert statuses.read(home) == told
    assert statuses.path_of(home).stat().st_mode & 0o777 == 0o600


def test_where_nobody_wrote_nothing_runs(home: Home) -> None:
    assert statuses.read(home) is None


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"pid": 1}', '{"more": 1}'])
def test_what_is_no_status_tells_of_nothing(home: Home, text: str) -> None:
    statuses.path_of(home).write_text(text)
    assert statuses.read(home) is None


def test_a_supervisor_that_ended_does_not_run(home: Home) -> None:
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    told = replace(statuses.of_this_process({}, {}, up=False), pid=ended.pid)
    statuses.write(home, told)
    assert statuses.read(home) is None


def test_a_later_process_of_the_same_number_is_not_the_supervisor(home: Home) -> None:
    told = replace(statuses.of_this_process({}, {}, up=False), born="1")
    statuses.write(home, told)
    assert statuses.read(home) is None
    assert not replace(told, born="").alive


def test_a_row_says_who_a_part_is_and_how_long_its_certificate_lives() -> None:
    name, state, identity, life, version, started, memory = statuses.row("ledger", PART, now=1_795_000_000.0)
    assert (name, state, version) == ("ledger", "ready", "0.1.0")
    assert identity == "spiffe://assay.demo/svc/core/ledger"
    assert life == "7200 s"
    assert started == "11:06:40"
    assert memory.endswith(" MiB")
    assert int(memory.split()[0]) > 0


@pytest.mark.parametrize(
    ("change", "place", "shown"),
    [
        ({"restarts": 3, "state": "restarting"}, 1, "restarting (3 restarts)"),
        ({"certificate": {}}, 3, ""),
        ({"started": 0.0}, 5, ""),
        ({"pid": None}, 6, ""),
        ({"pid": 2**31 - 2}, 6, ""),
        ({"version": {}}, 4, ""),
    ],
)
def test_what_is_not_known_of_a_part_is_left_empty(change: dict[str, Any], place: int, shown: str) -> None:
    assert statuses.row("ledger", PART | change)[place] == shown


def test_a_certificate_that_ended_has_no_life_left() -> None:
    assert statuses.row("ledger", PART, now=1_796_000_000.0)[3] == "0 s"


def test_a_part_that_just_began_has_a_row() -> None:
    row = statuses.row("ledger", {"state": "starting"})
    assert row == ("ledger", "starting", "", "", "", "", "")


def test_strangers_are_told_by_listener_and_reason() -> None:
    event = {"counts": {"not TLS": 2, "no certificate": 40}, "total": 42}
    assert statuses.strangers("identity", PART) == []
    assert statuses.strangers("identity", PART | {"strangers:login": event}) == [
        "identity: 42 strangers refused at listener login (40 no certificate, 2 not TLS)"
    ]


def test_a_status_is_written_as_json(home: Home) -> None:
    statuses.write(home, statuses.of_this_process({}, {"ledger": PART}, up=False))
    assert json.loads(statuses.path_of(home).read_text())["parts"]["ledger"]["state"] == "ready"
