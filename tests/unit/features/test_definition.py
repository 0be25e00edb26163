from __future__ import annotations

import copy
from typing import Any

import pytest

from services.features.definition import Definition, check_view
from services.features.errors import BadDefinition, BadParameter

VIEW: dict[str, Any] = {
    "entity": {"name": "client", "key": "client_id"},
    "sources": [
        {
            "dataset": "statements",
            "event_time": "statement_date",
            "months": 2,
            "lags": ["bill"],
            "aggregates": {"bill": ["mean"]},
            "count": "known",
        },
        {"dataset": "clients", "columns": ["sex", "age"]},
    ],
    "months_ahead": True,
    "keep": ["sex"],
}


def changed(**members: object) -> dict[str, Any]:
    return {**copy.deepcopy(VIEW), **members}


def test_features_stand_in_the_definitions_order() -> None:
    definition = Definition.parse(VIEW)
    assert definition.features == (
        "bill_lag_0",
        "bill_lag_1",
        "bill_mean",
        "known",
        "sex",
        "age",
        "months_ahead",
    )
    assert definition.origins["bill_mean"] == ("statements", "bill")
    assert definition.reads("clients") == {"sex", "age"}


def test_a_definition_comes_back_from_its_own_document_with_its_digest() -> None:
    definition = Definition.parse(VIEW)
    again = Definition.parse(definition.document())
    assert again == definition
    assert again.digest == definition.digest
    assert Definition.parse(changed(missing=1.0)).digest != definition.digest


def test_the_order_of_features_does_not_depend_on_the_order_of_json_members() -> None:
    source = {**VIEW["sources"][0], "lags": []}
    one, other = (
        Definition.parse(changed(sources=[{**source, "aggregates": members}], keep=[]))
        for members in ({"b": ["max"], "a": ["mean", "min"]}, {"a": ["mean", "min"], "b": ["max"]})
    )
    assert one.features == other.features == ("a_mean", "a_min", "b_max", "known", "months_ahead")
    assert one.digest == other.digest


STATEMENTS, CLIENTS = VIEW["sources"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (changed(sources=[]), "sources"),
        (changed(sources=[CLIENTS, CLIENTS]), "twice"),
        (changed(sources=[{"dataset": "clients", "columns": []}], months_ahead=False, keep=[]), "no feature"),
        (changed(sources=[CLIENTS, {"dataset": "other", "columns": ["age"]}]), "same name"),
        (changed(sources=[{"dataset": "clients", "columns": ["label"]}], keep=[]), "called"),
        (changed(keep=["income"]), "keep"),
        (changed(sources=[{**STATEMENTS, "months": 0}]), "months"),
        (changed(sources=[{**STATEMENTS, "aggregates": {"bill": ["eval"]}}]), "aggregates"),
        (changed(entity={"name": "client", "key": "a; drop table"}), "entity.key"),
        (changed(code="print(1)"), "code"),
    ],
)
def test_a_definition_that_does_not_hold_together_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(BadDefinition, match=said):
        Definition.parse(document)


@pytest.mark.parametrize("name", ["", "Credit", "../x", "a" * 64, "1st"])
def test_a_views_name_never_becomes_a_path(name: str) -> None:
    with pytest.raises(BadParameter):
        check_view(name)
    assert check_view("credit_features") == "credit_features"
