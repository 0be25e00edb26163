from __future__ import annotations

import json
from typing import Any

import pytest

from services.training.errors import BadOutput, ImpossibleMetric, ScriptFailed
from services.training.outputs import candidate_of, failure_of, metrics_of


def said(**members: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps(members).encode()


CANDIDATE: dict[str, Any] = {"graph": "a" * 64, "claims": {"auc": 0.7}, "threshold": 0.4}


def test_a_report_is_its_metrics() -> None:
    assert metrics_of(said(metrics={"train_loss": 0.5, "epoch": 1})) == {"train_loss": 0.5, "epoch": 1.0}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", said(metrics=[1]), said(metrics={"a": "1"}), said(metrics={"a": True}), said(metrics={}, x=1),
     b'{"metrics": {"a": NaN}}', b'{"metrics": {}, "metrics": {}}', b"\xff"],
)  # fmt: skip
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(BadOutput):
        metrics_of(data)


def test_a_report_that_cannot_be_true_is_refused() -> None:
    with pytest.raises(ImpossibleMetric):
        metrics_of(said(metrics={"auc": 1.5}))


def test_a_candidate_is_its_graphs_digest_claims_and_threshold() -> None:
    offered = candidate_of("final", said(**CANDIDATE))
    assert (offered.name, offered.graph, offered.claims, offered.threshold) == (
        "final",
        "a" * 64,
        {"auc": 0.7},
        0.4,
    )


@pytest.mark.parametrize(
    "changes",
    [{"graph": "short"}, {"graph": 1}, {"threshold": 0}, {"threshold": 1}, {"threshold": "0.5"}, {"x": 1}],
)
def test_what_is_no_candidate_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadOutput):
        candidate_of("final", said(**CANDIDATE | changes))


def test_a_refusal_keeps_its_name_and_a_scripts_error_is_the_scripts() -> None:
    refused = failure_of(said(title="HeldOut", detail="the test split is held out"))
    assert type(refused).__name__ == "HeldOut"
    assert isinstance(failure_of(said(title="ScriptFailed", detail="ValueError: x")), ScriptFailed)
    assert isinstance(failure_of(said(title="no name", detail="x")), ScriptFailed)
