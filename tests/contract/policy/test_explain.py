"""What `assay policy explain` says is true: the change it names, made to the question, turns the decision."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from assay.policy import OpaWasm
from assay.policy.explain import Explanation, explain, roles_in
from assay.policy.preview import rights_of
from tests.contract.policy import questions

CASES = 400


def edited(question: dict[str, Any], edits: list[dict[str, Any]]) -> dict[str, Any]:
    """Apply edits as their data says them, with nothing of the code that made them."""
    changed: dict[str, Any] = copy.deepcopy(question)
    for edit in edits:
        *parents, name = edit["path"].split(".")
        place = changed
        for parent in parents:
            place = place[parent]
        if "set" in edit:
            place[name] = edit["set"]
        elif "add" in edit:
            place[name] = [*place[name], edit["add"]]
        else:
            place[name] = [each for each in place[name] if each != edit["remove"]]
    return changed


def allowed(wasm: OpaWasm, question: dict[str, Any]) -> bool:
    return wasm.decide(
        question["action"], question["subject"], question["resource"], question["context"]
    ).allow


def whole(question: dict[str, Any]) -> bool:
    """Say whether a made-up question has the members a caller's question has."""
    subject = question.get("subject")
    return (
        isinstance(subject, dict)
        and isinstance(subject.get("roles"), list)
        and all(isinstance(question.get(name), dict) for name in ("resource", "context"))
        and isinstance(question.get("action"), str)
    )


@pytest.fixture(scope="module")
def explained(wasm: OpaWasm) -> list[Explanation]:
    chance = random.Random(7)  # noqa: S311 - examples, not secrets
    table = rights_of(wasm)
    asked = [questions.authz(chance, sorted(table)) for _ in range(CASES)]
    return [explain(wasm, question, roles=roles_in(table)) for question in asked if whole(question)]


def test_each_change_that_is_named_turns_the_decision(wasm: OpaWasm, explained: list[Explanation]) -> None:
    turned = 0
    for explanation in explained:
        document = explanation.to_json()
        for change in document["changes"]:
            said = allowed(wasm, edited(document["question"], change["edits"]))
            assert said is not document["decision"]["allow"], document
            turned += 1
    assert turned > CASES / 5


def test_each_change_that_is_named_is_needed_whole(wasm: OpaWasm, explained: list[Explanation]) -> None:
    several = 0
    for document in (explanation.to_json() for explanation in explained):
        for edits in (change["edits"] for change in document["changes"] if len(change["edits"]) > 1):
            several += 1
            for left_out in range(len(edits)):
                rest = edits[:left_out] + edits[left_out + 1 :]
                said = allowed(wasm, edited(document["question"], rest))
                assert said is document["decision"]["allow"], document
    assert several > 0


def test_both_kinds_of_decision_are_explained_with_their_rule(explained: list[Explanation]) -> None:
    decisions = [explanation.decision for explanation in explained]
    assert {decision.allow for decision in decisions} == {True, False}
    for explanation in explained:
        lines = explanation.words()
        assert explanation.decision.rule in lines[0]
        assert len(lines) >= 3


def test_somebody_without_a_role_learns_which_one_would_do(wasm: OpaWasm) -> None:
    subject: dict[str, Any] = {
        "identity": "spiffe://assay.demo/people/p-amir",
        "kind": "person",
        "person": "p-amir",
    }
    subject |= {"roles": ["data-scientist"], "grant": None, "service": None}
    subject |= {"tenant": "demo", "platform": True, "signed_in_ns": 1}
    asked: dict[str, Any] = {
        "subject": subject,
        "action": "registry/approve",
        "resource": {},
        "context": {"time_ns": 1},
    }
    found = explain(wasm, asked, roles=roles_in(rights_of(wasm)))
    assert not found.decision.allow
    assert "it would be allowed with the role approver" in "\n".join(found.words())
    held = explain(wasm, {**asked, "subject": {**subject, "roles": ["approver"]}}, roles=[])
    assert held.decision.allow
    assert "it would be refused with the role approver ended" in "\n".join(held.words())
