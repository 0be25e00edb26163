"""What counts as an answer of policy, whatever engine gave it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from assay.contracts import PersonId, SpiffeId
from assay.errors import Forbidden, Unavailable
from assay.identity.grants import Grant
from assay.policy import Answer, Policy, PolicyEngine, Subject, subject_document
from assay.web.caller import Caller

YES = {"allow": True, "rule": "r", "reason": "because", "fix": ""}
NO = {"allow": False, "rule": "registry/promote.people", "reason": "no role", "fix": "get the role"}
ANA: Subject = Caller(SpiffeId("assay.demo", "/people/p-ana"), PersonId("p-ana"), frozenset({"b", "a"}))


class Says(PolicyEngine):
    """An engine that always says the same, and remembers what it was asked."""

    def __init__(self, result: object, revision: str = "r1", **settings: Any) -> None:  # noqa: ANN401 - PolicyEngine's
        super().__init__(**settings)
        self.result, self.revision = result, revision
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """Say it."""
        self.asked.append((path, question))
        return Answer(self.result, self.revision)


def test_a_question_says_who_asks_for_what_on_what_and_when() -> None:
    policy = Says(YES, clock=lambda: 7)
    policy.require("registry/promote", ANA, MappingProxyType({"name": "credit"}), to="prod")
    path, question = policy.asked[0]
    assert path == "assay/authz/decision"
    assert question == {
        "subject": subject_document(ANA),
        "action": "registry/promote",
        "resource": {"name": "credit"},
        "context": {"time_ns": 7, "to": "prod"},
    }


def test_a_refusal_carries_reason_rule_fix_and_the_policy_that_said_so() -> None:
    with pytest.raises(Forbidden) as refusal:
        Says(NO).require("registry/promote", ANA)
    assert refusal.value.problem() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "registry/promote: no role",
        "fix": "get the role",
        "rule": "registry/promote.people",
        "policy": "r1",
    }


@pytest.mark.parametrize(
    "result",
    [
        None,
        True,
        "yes",
        1,
        [],
        {},
        {"allow": True},
        YES | {"allow": 1},
        YES | {"allow": "true"},
        YES | {"fix": None},
    ],
)
def test_a_malformed_decision_is_none(result: object) -> None:
    with pytest.raises(Unavailable):
        Says(result).require("registry/promote", ANA)


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"passed": True},
        {"passed": True, "missing": [], "rule": "g"},
        {"passed": True, "outcome": "pass", "missing": [], "rule": None},
        {"passed": "true", "outcome": "pass", "missing": [], "rule": "g"},
        {"passed": True, "outcome": "pass", "missing": {}, "rule": "g"},
        {"passed": True, "outcome": "pass", "missing": [{"what": "x", "how": "y"}], "rule": "g"},
        {"passed": True, "outcome": "inconclusive", "missing": [], "rule": "g"},
        {"passed": False, "outcome": "pass", "missing": [{"what": "x", "how": "y"}], "rule": "g"},
        {"passed": False, "outcome": "maybe", "missing": [{"what": "x", "how": "y"}], "rule": "g"},
        {"passed": False, "outcome": "fail", "missing": [], "rule": "g"},
        {"passed": False, "outcome": "fail", "missing": ["x"], "rule": "g"},
        {"passed": False, "outcome": "fail", "missing": [{"what": "x"}], "rule": "g"},
    ],
)
def test_a_malformed_or_contradictory_verdict_is_none(result: object) -> None:
    with pytest.raises(Unavailable):
        Says(result).gate({})


def test_a_verdict_says_what_is_missing() -> None:
    missing = [{"what": "card", "how": "add it"}]
    verdict = Says({"passed": False, "outcome": "inconclusive", "missing": missing, "rule": "g"}).gate({})
    assert (verdict.passed, verdict.outcome) == (False, "inconclusive")
    assert verdict.missing == [{"what": "card", "how": "add it"}]
    assert verdict.runs_seconds is None


def test_a_verdict_says_for_how_long_what_it_lets_in_may_run_or_it_is_none() -> None:
    passed = {"passed": True, "outcome": "pass", "missing": [], "rule": "g"}
    assert Says({**passed, "runs_seconds": 86_400}).gate({}).runs_seconds == 86_400
    odds: list[Any] = [0, -1, 1.5, "86400", True, [], {}]
    for odd in odds:
        with pytest.raises(Unavailable):
            Says({**passed, "runs_seconds": odd}).gate({})


def test_a_policy_that_is_not_in_force_is_not_believed() -> None:
    in_force = ["r1"]
    policy: Policy = Says(YES, expected=lambda: in_force[0])
    policy.require("registry/promote", ANA)
    in_force[0] = "r2"
    with pytest.raises(Unavailable, match="in force"):
        policy.require("registry/promote", ANA)
    with pytest.raises(Unavailable, match="in force"):
        policy.gate({})


@pytest.mark.parametrize(
    ("path", "kind", "known"),
    [
        ("/svc/core/registry", "service", {"service": "registry"}),
        ("/svc/prod/predictor/credit", "predictor", {"environment": "prod", "endpoint": "credit"}),
        ("/svc/dev/gateway", "gateway", {"environment": "dev"}),
        ("/run/run-1", "run", {"run": "run-1"}),
        ("/people/p-ana", "person", {}),
        ("/svc/staging/predictor/credit", "unknown", {}),
        ("/svc/core/registry/x", "unknown", {}),
        ("/svc/prod/registry", "unknown", {}),
        ("/run/run-1/x", "unknown", {}),
    ],
)
def test_the_kind_of_a_subject_comes_from_its_identity(path: str, kind: str, known: dict[str, str]) -> None:
    document = subject_document(Caller(SpiffeId("assay.demo", path), None, frozenset()))
    assert document["identity"] == f"spiffe://assay.demo{path}"
    assert document["kind"] == kind
    names = ("service", "run", "endpoint", "environment")
    assert {name: document[name] for name in names if document[name]} == known


def test_a_service_that_acts_for_a_person_brings_person_roles_and_granted_actions() -> None:
    training = SpiffeId("assay.demo", "/svc/core/training")
    grant = Grant(PersonId("p-ana"), training, ("evaluator",), ("registry/register", "evaluator/evaluate"), 9)
    document = subject_document(Caller(training, PersonId("p-ana"), frozenset({"data-scientist"}), grant))
    assert document["kind"] == "service"
    assert document["person"] == "p-ana"
    assert document["roles"] == ["data-scientist"]
    assert document["grant"] == {"actions": ["evaluator/evaluate", "registry/register"]}
