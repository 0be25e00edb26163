"""The platform's life from the shell: up in the background, seen, down, and up again with everything there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ASSAY = str(Path(sys.executable).with_name("assay"))


def assay(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ASSAY, "--home", str(home), *arguments], capture_output=True, text=True, timeout=240, check=False
    )


def test_up_status_login_down_and_up_again_from_the_shell(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert assay(home, "status").returncode == 1
    started = assay(home, "up", "--detach")
    try:
        assert started.returncode == 0, started.stderr
        assert "fix:" in assay(home, "up", "--detach").stderr
        seen = assay(home, "status").stdout
        for part in ("vault", "opa", "ledger", "witness", "identity", "tracking", "registry", "serving"):
            assert part in seen
        assert "spiffe://assay.demo/svc/core/registry" in seen
        assert assay(home, "login", "--as", "dana").returncode == 0
        before = json.loads(assay(home, "whoami").stdout)
    finally:
        assert assay(home, "down").returncode == 0
    assert "nothing runs" in assay(home, "down").stdout
    try:
        assert assay(home, "up", "--detach").returncode == 0
        assert json.loads(assay(home, "whoami").stdout) == before
        assert "verified" in assay(home, "audit", "verify").stdout
    finally:
        assay(home, "down")


@pytest.mark.parametrize(
    "arguments", [("verify",), ("gate", "check", "models:/x/1"), ("rollout", "nonsense")]
)
def test_a_malformed_command_says_what_it_wants(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = assay(tmp_path, *arguments)
    assert done.returncode == 2
    assert "Usage" in done.stderr
