"""The sample workflow for CI, its steps run by the shell that would run them: anything but a pass stops the job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.custody.packs import Packed

WORKFLOW = Path(__file__).parents[3] / "docs" / "ci" / "model-gate.yml"
VERDICTS = {0: "pass", 1: "fail", 2: "inconclusive"}
PLATFORM = """\
#!/bin/sh
# What the platform would answer; `verify` is the real command.
case "$1" in
  gate) echo "{\\"outcome\\": \\"$GATE\\"}"; exit "$STATUS" ;;
  pack) cp "$PACK" "$4" ;;
  verify) exec "$PYTHON" -c "from assay.cli import main; main()" "$@" ;;
  *) exit 64 ;;
esac
"""


def steps() -> list[dict[str, Any]]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    (job,) = found["jobs"].values()
    assert job["defaults"]["run"]["shell"] == "bash"
    return list(job["steps"])


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pack, the same pack with one word changed, and the root it verifies under."""
    folder = tmp_path_factory.mktemp("evidence")
    packed = Packed(tmp_path_factory.mktemp("world"))
    (folder / "pack.html").write_bytes(packed.page)
    (folder / "changed.html").write_bytes(packed.page.replace(b"p-amir approves", b"p-eve approves"))
    (folder / "root.json").write_text(json.dumps(packed.world.root.document))
    return folder


def job(folder: Path, evidence: Path, status: int, pack: str) -> list[int]:
    """Run the steps until one fails; return their exit statuses."""
    command = folder / "bin" / "assay"
    command.parent.mkdir()
    command.write_text(PLATFORM)
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "MODEL": "credit-default/1",
        "ENVIRONMENT": "prod",
        "TRUST_ROOT": str(evidence / "root.json"),
        "PACK": str(evidence / pack),
        "GATE": VERDICTS[status],
        "STATUS": str(status),
    }
    ended: list[int] = []
    for step in steps():
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ended.append(
            subprocess.run(shell, env=environment, cwd=folder, capture_output=True, check=False).returncode
        )
        if ended[-1]:
            break
    return ended


def test_a_met_gate_and_whole_evidence_let_the_job_go_on(tmp_path: Path, evidence: Path) -> None:
    assert job(tmp_path, evidence, 0, "pack.html") == [0, 0, 0]
    assert json.loads((tmp_path / "verify.json").read_text())["outcome"] == "pass"
    assert json.loads((tmp_path / "gate.json").read_text()) == {"outcome": "pass"}


@pytest.mark.parametrize("status", [1, 2])
def test_a_gate_that_is_not_clearly_met_stops_it(tmp_path: Path, evidence: Path, status: int) -> None:
    assert job(tmp_path, evidence, status, "pack.html") == [status]


def test_changed_evidence_stops_it(tmp_path: Path, evidence: Path) -> None:
    assert job(tmp_path, evidence, 0, "changed.html") == [0, 0, 1]


def test_no_input_is_text_of_a_command() -> None:
    assert [step["run"] for step in steps() if "${{" in step["run"]] == []
