"""`assay verify` says what a file proves by its exit status and as JSON: 0 it does, 1 it does not, 2 nobody can say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assay.cli import assay
from assay.custody import export
from assay.custody.history import export_history
from tests.unit.custody.packs import Packed
from tests.unit.custody.receipts import journaled_receipt
from tests.unit.custody.world import ENDPOINT, POLICY


@dataclass
class Files:
    """A folder with a root, a pack, a receipt and a history of one world."""

    folder: Path
    packed: Packed

    def verify(self, name: str, *more: str) -> Result:
        """Run the command on one of the files."""
        root = str(self.folder / "root.json")
        return CliRunner().invoke(assay, ["verify", str(self.folder / name), "--trust-root", root, *more])

    def json(self, name: str, *more: str) -> dict[str, Any]:
        """Run the command and read its document."""
        found: dict[str, Any] = json.loads(self.verify(name, "--json", *more).stdout)
        return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    packed = Packed(tmp_path_factory.mktemp("world"))
    world = packed.world
    rollout = world.rollout(packed.judgement)
    receipt = export(journaled_receipt(world, rollout), world.log, world.follower)
    now = datetime.now(UTC)
    about = f"endpoint/prod/{ENDPOINT}"
    (folder / "root.json").write_text(json.dumps(world.root.document))
    (folder / "pack.html").write_bytes(packed.page)
    (folder / "receipt.json").write_text(json.dumps(receipt))
    (folder / "history.json").write_text(json.dumps(export_history(world.log, about, now)))
    (folder / "changed.html").write_bytes(packed.page.replace(b"p-amir approves", b"p-eve approves"))
    later = export_history(world.log, about, now) | {"at": (now + timedelta(days=1)).isoformat()}
    (folder / "later.json").write_text(json.dumps(later))
    (folder / "junk.json").write_text("{}")
    return Files(folder, packed)


@pytest.mark.parametrize(
    ("name", "more", "status"),
    [
        ("pack.html", (), 0),
        ("pack.html", ("--policy", str(POLICY)), 0),
        ("receipt.json", (), 0),
        ("receipt.json", ("--policy", str(POLICY)), 0),
        ("history.json", (), 0),
        ("changed.html", (), 1),
        ("junk.json", (), 1),
        ("pack.html", ("--max-age", "0"), 2),
        ("receipt.json", ("--max-age", "0"), 2),
        ("later.json", (), 2),
    ],
)
def test_the_exit_status_says_whether_a_file_proves_what_it_says(
    files: Files, name: str, more: tuple[str, ...], status: int, socket_disabled: None
) -> None:
    done = files.verify(name, *more)
    assert done.exit_code == status, done.output
    document = files.json(name, *more)
    assert document["outcome"] == ("pass", "fail", "inconclusive")[status]
    assert ("refusal" in document) == bool(status)


def test_a_pack_is_told_as_a_tree_and_as_json(files: Files) -> None:
    said = files.verify("pack.html", "--policy", str(POLICY)).stdout
    assert "evidence pack of credit-default v1" in said
    assert "gate of prod judged here" in said
    assert "later statements and revocations unknown" in said
    document = files.json("pack.html", "--policy", str(POLICY))
    assert (document["type"], document["model"], document["number"]) == ("pack", "credit-default", 1)
    assert document["gate"]["outcome"] == "pass"
    assert files.json("pack.html")["gate"] is None


def test_a_history_is_one_sentence(files: Files) -> None:
    assert "endpoint/prod/credit meant credit-default v1" in files.verify("history.json").stdout
    assert files.json("history.json")["meant"]["number"] == 1


def test_a_gate_that_is_not_met_is_a_fail(files: Files) -> None:
    """Nobody's word, nothing but evidence: the proofs hold, and the gate of prod is not passed."""
    bare = Packed(files.folder / "bare", approved=False)
    (files.folder / "bare.html").write_bytes(bare.page)
    (files.folder / "bare-root.json").write_text(json.dumps(bare.world.root.document))
    root = str(files.folder / "bare-root.json")
    command = ["verify", str(files.folder / "bare.html"), "--trust-root", root, "--json"]
    assert CliRunner().invoke(assay, command).exit_code == 0
    judged = CliRunner().invoke(assay, [*command, "--policy", str(POLICY)])
    document = json.loads(judged.stdout)
    assert document["gate"]["outcome"] in {"fail", "inconclusive"}
    assert judged.exit_code == (1 if document["gate"]["outcome"] == "fail" else 2)
    assert document["gate"]["missing"]
