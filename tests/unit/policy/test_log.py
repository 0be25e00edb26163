"""Decisions are noted with their rule and revision, in files that end; nothing personal is among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.policy import OpaWasm
from assay.policy.asking import Asking
from assay.policy.log import DecisionLog
from assay.policy.subject import subject_document
from assay_laptop.opa.find import folder

DANA = Asking.at("/people/p-dana", person="p-dana", role="data-scientist")


def decided(path: Path, resource: dict[str, Any], **limits: int) -> list[dict[str, Any]]:
    policy = OpaWasm(folder() / "policy.wasm")
    policy.log = DecisionLog(path, **limits)
    for action in ("ledger/search", "identity/enrol"):
        policy.decide(action, subject_document(DANA), resource, {"time_ns": 0, "secret": "canary"})
    policy.log.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_decision_names_subject_action_resource_outcome_rule_and_policy(tmp_path: Path) -> None:
    resource = {"path": {"name": "credit"}, "environment": "prod", "service": "ledger"}
    allowed, refused = decided(tmp_path / "x.log", resource)
    assert (allowed["action"], allowed["allow"], allowed["rule"]) == (
        "ledger/search",
        True,
        "ledger/search.people",
    )
    assert (refused["action"], refused["allow"]) == ("identity/enrol", False)
    assert allowed["subject"] == str(DANA.identity)
    assert allowed["resource"] == {"environment": "prod"}
    assert len(allowed["policy"]) == 64
    assert allowed["id"] != refused["id"]


def test_what_a_caller_wrote_stays_out(tmp_path: Path) -> None:
    resource = {
        "path": {"name": "canary"},
        "model": "canary",
        "body": {"income": "canary"},
        "owner": ["canary"],
        "email": "canary",
    }
    decided(tmp_path / "x.log", resource)
    assert "canary" not in (tmp_path / "x.log").read_text()


def test_the_files_are_limited_in_size_and_number(tmp_path: Path) -> None:
    for _ in range(10):
        decided(tmp_path / "x.log", {"path": {"name": "n" * 500}}, largest=700, before=2)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["x.log", "x.log.1", "x.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())


def test_a_log_that_cannot_be_written_decides_nothing(tmp_path: Path) -> None:
    policy = OpaWasm(folder() / "policy.wasm")
    policy.log = DecisionLog(tmp_path / "x.log")
    (tmp_path / "x.log").mkdir()
    assert policy.decide("ledger/search", subject_document(DANA), {}, {"time_ns": 0}).allow
    assert not policy.decide("identity/enrol", subject_document(DANA), {}, {"time_ns": 0}).allow
