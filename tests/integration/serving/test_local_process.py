"""Predictors as child processes: started with one line, kept running, and gone when serving is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Environment
from assay.errors import Unavailable
from services.serving.adapters.addresses import Addresses
from services.serving.adapters.local_process import LocalProcesses
from services.serving.domain import Place

PLACE = Place(Environment.PROD, "credit")
CHILD = "tests.integration.serving.child"
SERVING = """
import sys, time
from pathlib import Path
from tests.integration.serving.test_local_process import processes, PLACE
control = processes(Path(sys.argv[1]))
control.ensure(PLACE)
time.sleep(600)
"""


def processes(folder: Path, **more: Any) -> LocalProcesses:  # noqa: ANN401 - members of the line
    """Return a control plane whose predictors are `child`."""

    def line(place: Place, port: int) -> bytes:
        return (
            json.dumps({"folder": str(folder), "about": place.about, "port": port, **more}).encode() + b"\n"
        )

    return LocalProcesses(line, Addresses(folder / "addresses"), module=CHILD, first_pause=0.05)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[LocalProcesses]:
    made = processes(tmp_path)
    yield made
    made.close()


def _notes(folder: Path) -> list[dict[str, Any]]:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text()) for path in found if path.stat().st_size]


def _until(true: Callable[[], object]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to be")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_predictor_gets_its_line_and_none_of_servings_settings(
    control: LocalProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_VAULT_WRAPPED_SECRET_ID", "s.secret")
    control.ensure(PLACE)
    _until(lambda: _notes(tmp_path))
    (note,) = _notes(tmp_path)
    assert note["line"]["about"] == "endpoint/prod/credit"
    assert control.url(PLACE) == f"https://127.0.0.1:{note['line']['port']}"
    assert not [name for name in note["environ"] if name.startswith("ASSAY")]


def test_asking_twice_starts_one(control: LocalProcesses, tmp_path: Path) -> None:
    control.ensure(PLACE)
    control.ensure(PLACE)
    _until(lambda: _notes(tmp_path))
    time.sleep(0.2)
    assert len(_notes(tmp_path)) == 1


def test_one_that_dies_is_started_again_on_the_same_port(control: LocalProcesses, tmp_path: Path) -> None:
    control.ensure(PLACE)
    _until(lambda: _notes(tmp_path))
    os.kill(_notes(tmp_path)[0]["pid"], signal.SIGKILL)
    _until(lambda: len(_notes(tmp_path)) == 2)
    first, second = _notes(tmp_path)
    assert first["pid"] != second["pid"]
    assert first["line"]["port"] == second["line"]["port"]


def test_closing_ends_every_predictor(tmp_path: Path) -> None:
    control = processes(tmp_path)
    control.ensure(PLACE)
    control.ensure(Place(Environment.DEV, "credit"))
    _until(lambda: len(_notes(tmp_path)) == 2)
    control.close()
    assert not [note for note in _notes(tmp_path) if _runs(note["pid"])]
    control.ensure(Place(Environment.DEV, "late"))
    assert len(_notes(tmp_path)) == 2


def test_a_predictor_ends_when_serving_is_killed(tmp_path: Path) -> None:
    serving = subprocess.Popen([sys.executable, "-c", SERVING, str(tmp_path)])
    try:
        _until(lambda: _notes(tmp_path))
    finally:
        serving.kill()
        serving.wait()
    pid = _notes(tmp_path)[0]["pid"]
    _until(lambda: not _runs(pid))


def test_a_predictor_that_cannot_be_given_a_login_is_tried_again(tmp_path: Path) -> None:
    asked = []

    def line(place: Place, port: int) -> bytes:
        asked.append(place)
        if len(asked) < 3:
            raise Unavailable("Vault is down")
        return json.dumps({"folder": str(tmp_path), "port": port}).encode() + b"\n"

    control = LocalProcesses(line, Addresses(tmp_path / "addresses"), module=CHILD, first_pause=0.01)
    control.ensure(PLACE)
    _until(lambda: _notes(tmp_path))
    control.close()
    assert len(asked) == 3


def test_an_address_outlives_restarts_and_another_is_taken_when_it_is_not_free(tmp_path: Path) -> None:
    port = Addresses(tmp_path).take(PLACE)
    assert Addresses(tmp_path).take(PLACE) == port
    with socket.create_server(("127.0.0.1", port)):
        assert Addresses(tmp_path).take(PLACE) != port
    assert Addresses(tmp_path).url(Place(Environment.DEV, "credit")) is None
