"""The rules themselves, where `opa` is found: their own tests, and the same answers from Wasm as from OPA."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.policy import OpaWasm
from assay.policy.decisions import AUTHZ, GATE
from assay_laptop.opa.build import check, sources
from assay_laptop.opa.find import folder
from tests.contract.policy import questions

EACH = 1000  # questions to each rule


def opa_says(opa: Path, rule: str, asked: list[dict[str, Any]]) -> list[Any]:
    """Return what OPA answers to each question, in one evaluation."""
    query = (
        f"[answer | some question in input; answer := data.{rule.replace('/', '.')} with input as question]"
    )
    rules = [argument for path in sources(folder()) for argument in ("-d", str(path))]
    argv = [str(opa), "eval", *rules, "--stdin-input", "--format", "raw", query]
    done = subprocess.run(argv, input=json.dumps(asked), capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert len(answers) == len(asked), "OPA had nothing to say on some question"
    return list(answers)


@pytest.fixture(scope="module")
def actions(opa: Path) -> list[str]:
    rights = str(folder() / "rights.rego")
    argv = [str(opa), "eval", "-d", rights, "--format", "raw", "data.assay.rights.table"]
    return sorted(json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout))


def test_wasm_and_opa_agree_on_who_may_do_what(opa: Path, wasm: OpaWasm, actions: list[str]) -> None:
    chance = random.Random(20261121)  # noqa: S311 - examples, not secrets
    asked = [questions.authz(chance, actions) for _ in range(EACH)]
    answers = opa_says(opa, AUTHZ, asked)
    assert [wasm.ask(AUTHZ, question).result for question in asked] == answers
    allowed = [answer["allow"] for answer in answers]
    assert set(allowed) == {True, False}
    assert min(allowed.count(True), allowed.count(False)) > EACH / 20, "the examples are all of one kind"
    assert len({answer["rule"].partition(".")[2] for answer in answers}) >= 9


def test_wasm_and_opa_agree_on_what_may_go_where(opa: Path, wasm: OpaWasm) -> None:
    chance = random.Random(20261122)  # noqa: S311 - examples, not secrets
    asked = [questions.gate(chance) for _ in range(EACH)]
    answers = opa_says(opa, GATE, asked)
    assert [wasm.ask(GATE, question).result for question in asked] == answers
    passed = [answer["passed"] for answer in answers]
    assert passed.count(True) > EACH / 50
    assert passed.count(False) > EACH / 20


def test_the_rules_own_tests_pass_and_reach_every_line(opa: Path) -> None:
    argv = [str(opa), "test", "--coverage", "--timeout", "300s", "--format", "json", str(folder())]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    missed = {
        name: file["not_covered"]
        for name, file in json.loads(done.stdout)["files"].items()
        if "not_covered" in file
    }
    assert missed == {}


def test_policy_wasm_is_what_opa_makes_of_the_rules(opa: Path) -> None:
    check(folder(), opa)


def negations() -> Iterator[tuple[str, str]]:
    for path in folder().rglob("*.rego"):
        if not path.name.endswith("_test.rego"):
            for found in re.finditer(r"^\s*not\s+(.+?)\s*$", path.read_text(), re.MULTILINE):
                yield str(path), found[1]


def test_only_rules_are_negated_never_a_builtin_over_a_field_that_may_be_missing() -> None:
    for name, negated in negations():
        rule = re.fullmatch(r"([a-z_]+)(\([a-z_.\"]+\))?", negated)
        assert rule is not None, f"{name}: not {negated}"
        assert re.search(rf"^{rule[1]}\b", Path(name).read_text(), re.MULTILINE), f"{name}: not {negated}"
