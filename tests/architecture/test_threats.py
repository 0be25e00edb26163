"""The two documents about threats and failures name tests that exist, and every attack is in them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, modules
from tests.support.catalogue import CONTROL, THREAT

THREATS, MODEL = ROOT / "docs" / "threats.md", ROOT / "docs" / "security-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[([^\]`]+)\])?`")
ROW = re.compile(r"^\| (T-[A-Z]+-\d{2}) \|(.*)$", re.MULTILINE)
CATALOGUE = {"REG": 12, "DES": 8, "FS": 4, "RAY": 6, "SRV": 10, "IAM": 9, "SIG": 7, "DAT": 7, "SC": 4}
EVERY = {f"T-{family}-{number:02}" for family, most in CATALOGUE.items() for number in range(1, most + 1)}


def part(heading: str) -> str:
    """Return what stands below a heading of docs/threats.md."""
    _, _, below = THREATS.read_text().partition(f"\n## {heading}\n")
    return below.partition("\n## ")[0]


def rows(heading: str) -> dict[str, str]:
    return dict(ROW.findall(part(heading)))


@cache
def names_in(path: str) -> set[str]:
    tree = modules("tests").get(path)
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)} if tree else set()


@cache
def marked(kind: str) -> dict[str, set[str]]:
    """Return the tests that carry each id, as `path::name`."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules("tests").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for mark in filter(
                    lambda one: ast.unparse(one).startswith(f"pytest.mark.{kind}("), node.decorator_list
                ):
                    assert isinstance(mark, ast.Call)
                    for threat in mark.args:
                        found[ast.literal_eval(threat)].add(f"{path}::{node.name}")
    return dict(found)


@pytest.mark.parametrize("document", [THREATS, MODEL], ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    text = document.read_text()
    named = NAMED.findall(text)
    assert named
    assert [f"{path}::{name}" for path, name, _ in named if name not in names_in(path)] == []


def test_every_case_that_is_named_stands_in_its_file() -> None:
    cases = [each for path in (THREATS, MODEL) for each in NAMED.findall(path.read_text()) if each[2]]
    assert [f"{path}[{case}]" for path, _, case in cases if case not in (ROOT / path).read_text()] == []


def test_each_cell_of_the_table_of_failures_names_its_tests() -> None:
    head = "| what fails | control routes | running predictors | recovery |"
    _, _, below = MODEL.read_text().partition(f"{head}\n|---|---|---|---|\n")
    cells = {row.split(" | ")[0]: row.split(" | ")[1:] for row in below.partition("\n\n")[0].splitlines()}
    assert len(cells) >= 12
    for row, said in cells.items():
        assert len(said) == 3, row
        assert all(NAMED.search(cell) or cell == "not concerned" for cell in said), row


def test_every_threat_of_the_catalogue_is_met_or_said_not_to_apply_yet() -> None:
    met, later = set(rows("Met")), set(rows("Not yet"))
    assert met & later == set()
    assert met | later == EVERY


def test_every_attack_is_in_the_document_and_every_row_has_attacks() -> None:
    assert set(marked(THREAT)) == set(rows("Met"))


def test_every_attack_that_is_marked_is_named_in_its_row() -> None:
    named = {
        threat: {f"{path}::{name}" for path, name, _ in NAMED.findall(row)}
        for threat, row in rows("Met").items()
    }
    unnamed = {threat: sorted(tests - named[threat]) for threat, tests in marked(THREAT).items()}
    assert {threat: tests for threat, tests in unnamed.items() if tests} == {}


def test_every_threat_has_a_positive_control() -> None:
    assert set(marked(THREAT)) - set(marked(CONTROL)) == set()


def test_every_row_links_to_the_code_that_meets_it() -> None:
    assert [
        threat
        for threat, row in rows("Met").items()
        if not re.search(r"\]\(\.\./(libs|services|infra)/", row)
    ] == []


def test_a_wrong_name_would_be_noticed() -> None:
    assert "test_nonesuch" not in names_in("tests/attacks/test_certificates.py")
    assert names_in("tests/attacks/nonesuch.py") == set()
    assert NAMED.findall("`tests/a/test_b.py::test_c[d e]`") == [("tests/a/test_b.py", "test_c", "d e")]
