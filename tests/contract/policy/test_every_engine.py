"""What every engine of policy answers: the built-in server, the real one, and Wasm in process."""

from __future__ import annotations

import time
from typing import Any

import pytest

from assay.errors import Forbidden
from assay.policy import PolicyEngine, Undefined, revision_of, subject_document
from assay.web.caller import Caller
from assay_laptop.opa.launch import folder
from tests.contract.policy.callers import ADA, AMIR, DANA, GATEWAY, PREDICTOR, person, run, service

DIGEST = "ab" * 32


ALLOWED = [
    (DANA, "training/start-run", {}),
    (DANA, "registry/promote", {"path": {"name": "credit-default", "alias": "champion"}}),
    (AMIR, "registry/approve", {}),
    (ADA, "identity/change-role", {}),
    (person("p-new"), "ledger/read", {}),
    (service("features"), "ingestion/release-key", {}),
    (service("evaluator"), "features/release-key", {}),
    (service("training", for_=DANA, actions=("evaluator/evaluate",)), "evaluator/evaluate", {}),
    (run("run-1"), "training/upload", {"path": {"id": "run-1", "path": "model.onnx"}}),
    (run("run-1"), "features/release-key", {}),
    (run("run-1"), "tracking/own-run", {"owner": "spiffe://assay.demo/run/run-1"}),
    (PREDICTOR, "registry/read-package", {}),
    (PREDICTOR, "ledger/append", {}),
]

REFUSED = [
    (DANA, "registry/approve", {}, "registry/approve.people"),
    (AMIR, "registry/promote", {}, "registry/promote.people"),
    (ADA, "ingestion/release-key", {}, "ingestion/release-key.people"),
    (person("p-new"), "registry/read", {}, "registry/read.people"),
    (service("serving"), "ingestion/release-key", {}, "ingestion/release-key.services"),
    (service("training"), "evaluator/evaluate", {}, "evaluator/evaluate.delegates"),
    (
        service("training", for_=AMIR, actions=("evaluator/evaluate",)),
        "evaluator/evaluate",
        {},
        "evaluator/evaluate.people",
    ),
    (
        service("training", for_=DANA, actions=("registry/register",)),
        "evaluator/evaluate",
        {},
        "evaluator/evaluate.grant",
    ),
    (
        service("serving", for_=DANA, actions=("evaluator/evaluate",)),
        "evaluator/evaluate",
        {},
        "evaluator/evaluate.services",
    ),
    (run("run-1"), "training/upload", {"path": {"id": "run-2"}}, "training/upload.runs"),
    (run("run-1"), "registry/read-package", {}, "registry/read-package.runs"),
    (run("run-1"), "tracking/own-run", {"owner": "spiffe://assay.demo/run/run-2"}, "tracking/own-run.owner"),
    (PREDICTOR, "registry/promote", {}, "registry/promote.predictors"),
    (GATEWAY, "ledger/read", {}, "ledger/read.callers"),
    (ADA, "registry/nonesuch", {}, "authz/unknown-action"),
]


@pytest.mark.parametrize(("caller", "action", "resource"), ALLOWED, ids=[f"{c}-{a}" for c, a, _ in ALLOWED])
def test_a_right_is_granted(
    engine: PolicyEngine, caller: Caller, action: str, resource: dict[str, Any]
) -> None:
    engine.require(action, caller, resource)
    decision = engine.decide(action, subject_document(caller), resource, {"time_ns": time.time_ns()})
    assert decision.allow is True
    assert decision.rule.startswith(f"{action}.")


@pytest.mark.parametrize(
    ("caller", "action", "resource", "rule"), REFUSED, ids=[f"{c}-{a}" for c, a, _, _ in REFUSED]
)
def test_a_refusal_names_the_nearest_rule_and_a_fix(
    engine: PolicyEngine, caller: Caller, action: str, resource: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Forbidden) as refusal:
        engine.require(action, caller, resource)
    assert refusal.value.extra["rule"] == rule
    assert refusal.value.fix
    assert refusal.value.extra["policy"] == revision_of(folder() / "policy.wasm")


def test_every_engine_says_the_revision_it_judged_by(engine: PolicyEngine) -> None:
    decision = engine.decide("ledger/read", subject_document(DANA), {}, {"time_ns": time.time_ns()})
    assert decision.revision == revision_of(folder() / "policy.wasm")


def test_a_question_without_a_subject_is_refused(engine: PolicyEngine) -> None:
    decision = engine.decide("ledger/read", {}, {}, {"time_ns": time.time_ns()})
    assert decision.allow is False
    assert decision.rule == "authz/malformed-question"


def test_an_undefined_rule_is_no_answer(engine: PolicyEngine) -> None:
    with pytest.raises(Undefined, match="nonesuch"):
        engine.ask("assay/authz/nonesuch", {})


def evidence(kind: str, **metrics: float) -> dict[str, Any]:
    return {"kind": kind, "digest": DIGEST, "metrics": metrics, "verified": True}


def approval(person: str) -> dict[str, Any]:
    return {"person": person, "role": "approver", "roles": ["approver"], "digest": DIGEST, "valid": True}


def limited(**conditions: object) -> dict[str, Any]:
    return {**approval("p-bea"), "conditions": conditions, "ends": "then"}


COMPLETE: dict[str, Any] = {
    "model": "credit-default",
    "number": 1,
    "tier": "limited",
    "environment": "prod",
    "evidence": [
        evidence("run"),
        evidence("signature"),
        evidence("card"),
        evidence("evaluation", auc=0.7734, ece=0.0123, n=6000.0),
    ],
    "approvals": [approval("p-amir"), approval("p-bea")],
    "contributors": ["p-dana"],
    "earlier": ["limited"],
    "time_ns": 1_795_000_000_000_000_001,
    "now_ns": 1_795_000_000_000_000_001,
    "endpoint": "credit",
}


def test_a_complete_version_passes_its_gate(engine: PolicyEngine) -> None:
    verdict = engine.gate(COMPLETE)
    assert verdict.passed is True
    assert verdict.missing == []
    assert verdict.rule == "gate/limited/prod"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"approvals": [approval("p-amir")]}, "1 more of 2 approvals by role approver"),
        ({"approvals": [approval("p-amir"), approval("p-amir")]}, "1 more of 2"),
        ({"contributors": ["p-dana", "p-bea"]}, "p-bea contributed"),
        ({"contributors": []}, "who contributed"),
        ({"approvals": [approval("p-amir"), {**approval("p-bea"), "valid": False}]}, "p-bea is not valid"),
        ({"evidence": COMPLETE["evidence"][:3]}, "inconclusive"),
        (
            {"evidence": [*COMPLETE["evidence"], evidence("evaluation", auc=0.6, ece=0.01, n=9000)]},
            "auc at least 0.7",
        ),
        ({"evidence": []}, "verified evidence of kind run"),
        (
            {"approvals": [approval("p-amir"), limited(endpoints=["cards"])]},
            "p-bea approved it only on endpoint cards, and this is endpoint credit",
        ),
        (
            {"approvals": [approval("p-amir"), limited(until=1_795_000_000)]},
            "p-bea approved it only until then",
        ),
        ({"approvals": [approval("p-amir"), limited(share=0.1)]}, "p-bea carries a condition"),
        ({"earlier": ["high"]}, "1 more of 1 approvals by role risk"),
        ({"earlier": ["nonesuch"]}, "earlier tiers"),
        ({"tier": "nonesuch"}, "low, limited and high"),
    ],
)
def test_a_gate_that_is_not_met_says_what_is_missing_and_how_to_get_it(
    engine: PolicyEngine, change: dict[str, Any], word: str
) -> None:
    verdict = engine.gate({**COMPLETE, **change})
    assert verdict.passed is False
    assert any(word in f"{entry['what']} {entry['how']}" for entry in verdict.missing)


@pytest.mark.parametrize(("before_ns", "passes"), [(0, False), (1, True)])
def test_an_approval_ends_at_the_nanosecond_it_names(
    engine: PolicyEngine,
    before_ns: int,
    passes: bool,  # noqa: FBT001 - an example's outcome
) -> None:
    ends = {**approval("p-bea"), "expires_ns": COMPLETE["time_ns"] + before_ns}
    assert engine.gate({**COMPLETE, "approvals": [approval("p-amir"), ends]}).passed is passes
