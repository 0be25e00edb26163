from __future__ import annotations

import json

import pytest

from assay.custody import inspect, package_digest, read_card
from assay.custody.errors import MalformedFile
from services.training.errors import WrongPorts
from services.training.packages import Candidate, package_of
from tests.unit.training.made import NAMES, graph


def made(model: bytes, claims: dict[str, float] | None = None) -> dict[str, bytes]:
    return package_of(
        Candidate("final", model, claims or {"validation_auc": 0.7}, 0.3),
        model="credit-default",
        feature_set="f" * 64,
        features=NAMES,
        view="credit",
        inspect=inspect,
    )


def test_a_package_is_data_a_card_and_nothing_that_runs() -> None:
    files = made(graph())
    assert inspect(files).card.model == "credit-default"
    assert read_card(files).datasets == ("f" * 64,)
    assert read_card(files).metrics == {"validation_auc": 0.7}
    assert json.loads(files["feature_names.json"]) == list(NAMES)
    assert json.loads(files["signature.json"])["threshold"] == 0.3
    assert b"## Intended Use" in files["README.md"]


def test_the_same_candidate_is_the_same_package_and_another_claim_another() -> None:
    assert package_digest(made(graph())) == package_digest(made(graph()))
    assert package_digest(made(graph())) != package_digest(made(graph(), {"validation_auc": 0.8}))


@pytest.mark.parametrize(
    "model",
    [graph(width=3), graph(given="y"), graph(taken="x")],
    ids=["other width", "other output", "other input"],
)
def test_a_graph_with_other_ports_is_refused(model: bytes) -> None:
    with pytest.raises(WrongPorts):
        made(model)


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(MalformedFile):
        made(b"not a graph")
