"""`assay card edit` and `assay risk edit`: what an editor is given, what leaves it, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from assay.client.evidence import RISK_DRAFT, card_draft
from assay.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, ServiceError
from tests.unit.cli.shell import shell
from tests.unit.client.world import Call

MODEL = "models:/credit-default/2"
PLACE = "/v1/models/credit-default/versions/2"
VERSION: dict[str, Any] = {
    "model": "credit-default",
    "number": 2,
    "checkpoint": "epoch-3",
    "run_id": "run-1",
    "package": "ab" * 32,
    "tier": "limited",
    "batches": ["2005-04"],
    "evidence": [],
}
FACT = "cd" * 32
KINDS = {"card": "model-card", "risk": "risk-record"}
WRITTEN = {"model_details": "<script>alert(1)</script>", "metrics": "AUC 0.77, é"}


@dataclass
class Registry:
    """Answers for the registry: `stands` is the document that stands, `refusal` what a new one is met with."""

    stands: dict[str, Any] | None = None
    refusal: ServiceError | None = None
    put: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, call: Call) -> Any:  # noqa: ANN401 - JSON
        """Answer one call."""
        if call.path == PLACE:
            return VERSION
        assert call.path in {f"{PLACE}/evidence/{kind}" for kind in KINDS.values()}
        if call.method == "PUT":
            self.put.append(call.body)
            return _refused(self.refusal) if self.refusal else {"fact": FACT}
        if self.stands is None:
            return _refused(NotFound("there is none"))
        return {"fact": FACT, "document": self.stands}


def _refused(refusal: ServiceError) -> httpx.Response:
    return httpx.Response(
        refusal.status, json=refusal.problem(), headers={"content-type": "application/problem+json"}
    )


Edit = Callable[..., Result]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Run `assay WHAT edit` with an editor that is a line of shell; the text to edit is `$1`."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def run(registry: Registry, line: str | None, *options: str, what: str = "card") -> Result:
        editor = tmp_path / "editor"
        editor.write_text(f"#!/bin/sh\n{line}\n")
        editor.chmod(0o700)
        monkeypatch.setenv("EDITOR", str(editor if line is not None else tmp_path / "no-such-editor"))
        dana, _ = shell(tmp_path / "home", registry)
        return dana.run(what, "edit", MODEL, *options)

    return run


def _saves(folder: Path, document: object) -> str:
    """Return the editor that saves this document and keeps what it was given in `given`."""
    (folder / "written.json").write_text(json.dumps(document, ensure_ascii=False))
    return f'cp "$1" {folder}/given && cp {folder}/written.json "$1"'


@pytest.mark.parametrize(("what", "draft"), [("card", card_draft(VERSION)), ("risk", RISK_DRAFT)])
def test_the_first_is_drafted_for_the_editor_and_what_is_saved_is_stated(
    edit: Edit, tmp_path: Path, what: str, draft: dict[str, Any]
) -> None:
    registry = Registry()
    done = edit(registry, _saves(tmp_path, WRITTEN), what=what)
    assert json.loads((tmp_path / "given").read_text()) == draft
    assert registry.put == [{"document": WRITTEN, "valid_until": None, "over": ""}]
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"fact": FACT})


@pytest.mark.parametrize("what", KINDS)
def test_what_stands_is_edited_and_the_fact_it_was_made_from_is_named(
    edit: Edit, tmp_path: Path, what: str
) -> None:
    registry = Registry(stands={"metrics": "é"})
    done = edit(registry, _saves(tmp_path, WRITTEN), "--valid-until", "2027-01-01", what=what)
    assert json.loads((tmp_path / "given").read_text()) == {"metrics": "é"}
    assert registry.put == [{"document": WRITTEN, "valid_until": "2027-01-01", "over": FACT}]
    assert done.exit_code == 0


def test_a_file_is_stated_as_it_is_and_opens_no_editor(edit: Edit, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(WRITTEN))
    registry = Registry(stands={"metrics": "é"})
    done = edit(registry, None, "--file", str(tmp_path / "card.json"))
    assert registry.put == [{"document": WRITTEN, "valid_until": None, "over": None}]
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (None, "no editor wrote it"),
        ("exit 3", "no editor wrote it"),
        ("true", "nothing was written"),
        ('touch "$1"', "nothing was changed"),
    ],
    ids=["no editor", "an editor that fails", "closed without saving", "saved as it was"],
)
def test_where_nothing_was_edited_nothing_is_stated(edit: Edit, line: str | None, why: str) -> None:
    registry = Registry(stands={"metrics": "é"})
    done = edit(registry, line)
    assert isinstance(done.exception, BadRequest)
    assert why in done.exception.detail
    assert done.exception.fix != BadRequest.fix
    assert (done.exit_code, done.stdout, registry.put) == (1, "", [])


def test_a_later_end_may_be_said_of_the_same_words(edit: Edit) -> None:
    registry = Registry(stands={"metrics": "é"})
    assert edit(registry, 'touch "$1"', "--valid-until", "2027-01-01").exit_code == 0
    assert registry.put[0]["document"] == {"metrics": "é"}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1, "a": 2}', "<script>alert(1)</script>"])
def test_what_is_no_document_is_refused_before_the_registry_is_asked(edit: Edit, text: str) -> None:
    registry = Registry()
    done = edit(registry, f"echo '{text}' > \"$1\"")
    assert isinstance(done.exception, BadRequest)
    assert (done.exit_code, registry.put) == (1, [])


@pytest.mark.parametrize(
    "refusal", [Conflict("another stands"), Invalid("no heading `extra`"), Forbidden("no role")]
)
def test_what_the_registry_refuses_is_refused_and_what_was_written_is_not_lost(
    edit: Edit, tmp_path: Path, refusal: ServiceError
) -> None:
    done = edit(Registry(refusal=refusal), _saves(tmp_path, WRITTEN))
    assert type(done.exception) is type(refusal)
    assert (done.exit_code, done.stdout) == (1, "")
    named = re.search(r"--file (\S+)", done.stderr)
    assert named is not None
    kept = Path(named[1])
    assert json.loads(kept.read_text()) == WRITTEN
    assert kept.stat().st_mode & 0o077 == 0
