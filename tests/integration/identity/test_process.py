from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

HANG_SECONDS = 60


def started(folder: Path, *how: str, port: int = 0) -> tuple[subprocess.Popen[str], int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = port or free.getsockname()[1]
    command = [sys.executable, "-m", "tests.integration.identity.lone_service", str(folder), str(port), *how]
    root = Path(__file__).parents[3]
    return (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root),
        port,
    )


def events(stdout: IO[str] | None, until: str) -> list[dict[str, Any]]:
    assert stdout is not None
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["event"] != until:
        seen.append(json.loads(stdout.readline()))
    return seen


def test_a_service_says_what_it_does_and_leaves_with_0_on_sigterm(tmp_path: Path) -> None:
    process, port = started(tmp_path)
    seen = events(process.stdout, "ready")
    assert [event["event"] for event in seen] == ["certificate", "listening", "ready"]
    assert seen[0]["identity"] == "spiffe://assay.test/svc/core/registry"
    assert seen[1]["url"] == f"https://127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port)):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0
    assert errors.strip().endswith("closed")
    assert not list((tmp_path / "run").glob("*key*"))


def test_a_service_that_is_still_joining_leaves_with_0_too(tmp_path: Path) -> None:
    process, _ = started(tmp_path, "slow")
    assert process.stderr is not None
    assert process.stderr.readline() == "joining\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0


def test_a_service_whose_engine_does_not_load_says_so_and_fails(tmp_path: Path) -> None:
    process, _ = started(tmp_path, "broken")
    output, errors = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 1
    assert "no such engine" in errors
    assert "ready" not in output


def test_a_service_whose_port_is_taken_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process, _ = started(tmp_path, port=taken.getsockname()[1])
        process.communicate(timeout=HANG_SECONDS)
    assert process.returncode not in {0, -signal.SIGTERM}
