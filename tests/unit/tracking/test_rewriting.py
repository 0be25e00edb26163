"""What a call may say: spelled once, nothing reserved at any depth, and never somebody else's name."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from services.tracking.allowed import Entity, Kind
from services.tracking.errors import ArtifactsStayHere, MalformedCall, ReservedName, UnknownEntity
from services.tracking.rewriting import (
    asked,
    checked,
    named,
    new_experiment,
    owned,
    run_of,
    untagged,
    written_by,
)

RUN, OTHER, MODEL = "a" * 32, "b" * 32, "m-" + "c" * 32
RESERVED = ("assay.owner", "assay.", "Assay.Owner", " assay.owner", "ASSAY.OWNER")
FLAGS: dict[str, Any] = {
    "mlflow.prompt.is_prompt": "true",
    "mlflow.experimentKind": "genai",
    "mlflow.runType": "MODEL_LOADING",
    "mlflow.parentRunId": OTHER,
    "mlflow.artifactLocation": "file:///",
}


def tag(key: str, value: str = "x") -> dict[str, str]:
    return {"key": key, "value": value}


def placed(key: str) -> list[dict[str, Any]]:
    """Return every place of a body where MLflow takes a name."""
    return [
        {"run_id": RUN, **tag(key)},
        {"run_uuid": RUN, **tag(key)},
        {"experiment_id": "0", **tag(key)},
        {"run_id": RUN, "tags": [tag("team"), tag(key)]},
        {"run_id": RUN, "params": [tag(key)]},
        {"run_id": RUN, "metrics": [tag(key)]},
        {"params": [tag(key)]},
        {"run_id": RUN, "datasets": [{"dataset": {}, "tags": [tag(key)]}]},
        {"key": key},
    ]


@pytest.mark.parametrize("key", RESERVED)
def test_a_reserved_name_is_refused_in_every_place(key: str) -> None:
    for body in placed(key):
        with pytest.raises(ReservedName):
            checked(body)


def test_no_tag_switches_a_check_off() -> None:
    """Every optional flag of MLflow, alone and in pairs, next to what is refused without it."""
    flags = [*FLAGS, *itertools.combinations(FLAGS, 2)]
    for flag in flags:
        said = [tag(key, FLAGS[key]) for key in ([flag] if isinstance(flag, str) else flag)]
        with pytest.raises(ReservedName):
            checked({"tags": [*said, tag("assay.owner")]})
        with pytest.raises(MalformedCall):
            checked({"tags": said, "runId": RUN})
        with pytest.raises(ArtifactsStayHere):
            new_experiment(checked({"tags": said, "artifact_location": "file:///etc"}))
        assert owned({"tags": said}, "p-dana")["tags"][-2:] == [
            tag("assay.owner", "p-dana"),
            tag("mlflow.user", "p-dana"),
        ]


@pytest.mark.parametrize(
    "body",
    [
        {"runId": RUN},
        {"run_id": RUN, "runUuid": OTHER},
        {"run_id": RUN, "metrics": [{"key": "a", "modelId": MODEL}]},
        {"run_id": RUN, "models": [{"modelId": MODEL}]},
        {"run_id": RUN, "datasets": [{"dataset": {"sourceType": "x"}}]},
        {"[mlflow.extension]": 1},
        {"run_id ": RUN},
        {"rún_id": RUN},
        {"": 1},
        {"run_id": RUN, "value": "\ud800"},
        {"run_id": RUN, "value": float("inf")},
        {"a": [[[[[[[[[[1]]]]]]]]]]},
    ],
)
def test_another_spelling_or_what_cannot_be_said_again_is_refused_at_every_depth(
    body: dict[str, Any],
) -> None:
    with pytest.raises(MalformedCall):
        checked(body)


def test_what_an_mlflow_client_sends_is_left_as_it_is() -> None:
    body = {
        "run_id": RUN,
        "metrics": [
            {"key": "ä/b", "value": "NaN", "timestamp": 1, "step": 0, "model_id": MODEL, "run_id": RUN}
        ],
        "params": [{"key": "Learning Rate", "value": "0.1"}],
        "tags": [tag("mlflow.source.name", "train.py"), tag("my.assay.tag")],
    }
    before = json.dumps(body)
    assert written_by(checked(body), "p-dana") == json.loads(before)


def test_every_run_and_logged_model_in_a_body_is_found() -> None:
    body = {
        "run_id": RUN,
        "source_run_id": OTHER,
        "model_id": "",
        "metrics": [{"model_id": MODEL, "run_id": RUN}],
        "models": [{"model_id": "m-" + "d" * 32}],
    }
    assert named(body) == {
        Entity(Kind.RUN, RUN),
        Entity(Kind.RUN, OTHER),
        Entity(Kind.MODEL, MODEL),
        Entity(Kind.MODEL, "m-" + "d" * 32),
    }


@pytest.mark.parametrize(
    "said", ["x", "../" + RUN, RUN.upper(), RUN + "\n", [RUN], {"run": RUN}, 7, MODEL], ids=str
)
def test_what_is_no_id_names_nothing_there_is(said: object) -> None:
    with pytest.raises(UnknownEntity):
        run_of({"run_id": said})
    with pytest.raises(UnknownEntity):
        named({"metrics": [{"run_id": said}]})


def test_a_write_names_one_run() -> None:
    assert run_of({"run_id": RUN, "run_uuid": RUN}) == Entity(Kind.RUN, RUN)
    assert run_of({"run_id": "", "run_uuid": RUN}).id == RUN
    for body in ({}, {"run_id": None}, {"run_id": RUN, "run_uuid": OTHER}):
        with pytest.raises(MalformedCall):
            run_of(body)


def test_who_makes_something_is_said_by_the_platform_alone() -> None:
    said = {"user_id": "root", "tags": [tag("mlflow.user", "root"), tag("team", "risk"), tag("mlflow.user")]}
    made = owned(said, "p-dana")
    assert made["user_id"] == "p-dana"
    assert made["tags"] == [
        tag("team", "risk"),
        tag("assay.owner", "p-dana"),
        tag("mlflow.user", "p-dana"),
    ]
    assert owned({}, "p-dana")["user_id"] == "p-dana"
    registered = owned({"tags": [tag("mlflow.modelVersions", "[]")]}, "p-dana")["tags"]
    assert [one["key"] for one in registered] == ["assay.owner", "mlflow.user"]


def test_a_later_write_changes_nobody_and_registers_nothing() -> None:
    assert written_by(tag("mlflow.user", "root"), "p-dana") == tag("mlflow.user", "p-dana")
    links = tag("mlflow.modelVersions", '[{"name": "credit-default", "version": 9}]')
    said = {"tags": [tag("mlflow.user", "root"), links, tag("team")]}
    assert written_by(said, "p-dana")["tags"] == [tag("mlflow.user", "p-dana"), tag("team")]
    with pytest.raises(ReservedName):
        untagged({"run_id": RUN, "key": "mlflow.user", "value": "x"})
    assert untagged({"run_id": RUN, "key": "team"})["key"] == "team"


@pytest.mark.parametrize("tags", ["x", {"key": "x"}, ["x"], [["key"]], 1])
def test_tags_of_another_shape_are_refused(tags: object) -> None:
    for rewrite in (owned, written_by):
        with pytest.raises(MalformedCall):
            rewrite({"tags": tags}, "p-dana")


@pytest.mark.parametrize("where", ["file:///etc", "s3://elsewhere", "mlflow-artifacts:/0", {"a": 1}])
def test_an_experiment_keeps_its_artifacts_here(where: object) -> None:
    with pytest.raises(ArtifactsStayHere):
        new_experiment({"name": "x", "artifact_location": where})
    assert new_experiment({"name": "x", "artifact_location": ""})["name"] == "x"


@pytest.mark.parametrize(
    "query",
    [
        [("run_id", RUN), ("run_id", OTHER)],
        [("runId", RUN)],
        [("Run_id", RUN)],
        [("run_id\x00", RUN)],
        [("", "")],
        [("path", "a"), ("path", "../b")],
    ],
)
def test_a_parameter_is_spelled_as_mlflow_does_and_given_once(query: list[tuple[str, str]]) -> None:
    with pytest.raises(MalformedCall):
        asked(query)


def test_lists_may_repeat() -> None:
    query = [("order_by", "a"), ("order_by", "b"), ("run_ids", RUN), ("run_ids", OTHER), ("max_results", "1")]
    assert asked(query) == query


@pytest.mark.parametrize(
    "path", ["..", "../x", "a/../b", "/etc", "a//b", "a/", "a%2e", "a\\b", "file:///x", "a#b", "a\n", "."]
)
def test_a_path_in_a_parameter_leads_nowhere_else(path: str) -> None:
    with pytest.raises(ArtifactsStayHere):
        asked([("run_id", RUN), ("path", path)])
    assert asked([("path", "")])
    assert asked([("path", "a b/c.txt")])
