"""Whose run and whose logged model: the real policy decides, over what MLflow keeps of who made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from assay.contracts import SpiffeId
from assay.errors import Forbidden
from assay.web.caller import Caller
from services.tracking.allowed import ROUTES, Allowed, Asks
from services.tracking.errors import UnknownEntity
from services.tracking.usecases import Front
from tests.unit.identity.authority import DOMAIN
from tests.unit.tracking.front import AMIR, DANA, ERIN, OTHER_RUN, RUN, Served, acting
from tests.unit.tracking.memory import MemoryMlflow, check

API = "/api/2.0/mlflow"
STORE = "/api/2.0/mlflow-artifacts/artifacts"
NEW_RUN = next(allowed for allowed in ROUTES if allowed.path == "/runs/create")
SET_TAG = next(allowed for allowed in ROUTES if allowed.path == "/runs/set-tag")


@dataclass
class Two:
    """What Dana and Erin have each made."""

    served: Served
    run: str
    model: str
    other_run: str
    other_model: str

    def writes(self, run: str, model: str) -> list[tuple[str, str, Any]]:
        """Return one call of every route that writes to a run or logged model."""
        named = {"update", "log-metric", "log-parameter", "log-batch", "log-inputs", "outputs", "log-model"}
        return [
            *(("POST", f"{API}/runs/{verb}", {"run_id": run}) for verb in sorted(named)),
            ("POST", f"{API}/runs/set-tag", {"run_id": run, "key": "a", "value": "b"}),
            ("POST", f"{API}/runs/set-tag", {"run_uuid": run, "key": "a", "value": "b"}),
            ("POST", f"{API}/runs/delete-tag", {"run_id": run, "key": "a"}),
            ("POST", f"{API}/logged-models", {"experiment_id": "0", "source_run_id": run}),
            ("PATCH", f"{API}/logged-models/{model}", {"model_id": model, "status": 2}),
            ("POST", f"{API}/logged-models/{model}/params", {"params": []}),
            ("PATCH", f"{API}/logged-models/{model}/tags", {"tags": []}),
            ("PUT", f"{STORE}/0/{run}/artifacts/a.txt", b"x"),
            ("PUT", f"{STORE}/0/models/{model}/artifacts/MLmodel", b"x"),
        ]


@pytest.fixture
def two() -> Two:
    served = Served()
    return Two(
        served,
        served.new_run(DANA),
        served.new_model(DANA),
        served.new_run(ERIN),
        served.new_model(ERIN),
    )


def test_the_fake_keeps_the_promises_of_its_port() -> None:
    check(MemoryMlflow(), "0")


def test_an_owner_writes_and_nobody_else_does_on_any_route(two: Two) -> None:
    for method, path, body in two.writes(two.run, two.model):
        assert two.served.call(DANA, method, path, body).status == 200, path
    for method, path, body in two.writes(two.other_run, two.other_model):
        before = len([one for one in two.served.mlflow.asked if one.method != "GET"])
        refused = two.served.call(DANA, method, path, body)
        assert refused.status == 403, path
        assert refused.json["rule"] == "tracking/own-run.owner"
        assert len([one for one in two.served.mlflow.asked if one.method != "GET"]) == before


def test_a_write_to_ones_own_run_reaches_no_logged_model_of_another(two: Two) -> None:
    for path, body in (
        ("log-metric", {"key": "auc", "value": 1, "model_id": two.other_model}),
        ("log-batch", {"metrics": [{"key": "auc", "value": 1, "model_id": two.other_model}]}),
        ("log-batch", {"metrics": [{"key": "auc", "value": 1, "run_id": two.other_run}]}),
        ("outputs", {"models": [{"model_id": two.model}, {"model_id": two.other_model, "step": 0}]}),
        ("log-inputs", {"models": [{"model_id": two.other_model}]}),
    ):
        refused = two.served.call(DANA, "POST", f"{API}/runs/{path}", {"run_id": two.run, **body})
        assert (path, refused.status) == (path, 403)
    mine = {"run_id": two.run, "models": [{"model_id": two.model}]}
    assert two.served.call(DANA, "POST", f"{API}/runs/outputs", mine).status == 200


def test_two_ids_in_path_and_body_do_not_share_one_answer(two: Two) -> None:
    said = {"model_id": two.other_model, "status": 2}
    assert two.served.call(DANA, "PATCH", f"{API}/logged-models/{two.model}", said).status == 403
    said = {"run_id": two.run, "run_uuid": two.other_run, "key": "a", "value": "b"}
    assert two.served.call(DANA, "POST", f"{API}/runs/set-tag", said).status == 400


def test_a_write_with_its_run_in_the_query_is_a_write_to_no_run(two: Two) -> None:
    target = f"{API}/runs/log-metric?run_id={two.run}"
    assert two.served.call(DANA, "POST", target, {"key": "a", "value": 1}).status == 400
    assert two.served.call(DANA, "POST", target, {"run_id": two.run, "key": "a", "value": 1}).status == 200
    assert two.served.mlflow.asked[-1].query == ()


def test_the_owner_is_the_certificates_whatever_the_client_says(two: Two) -> None:
    forged = {
        "experiment_id": "0",
        "user_id": "p-erin",
        "tags": [{"key": "mlflow.user", "value": "p-erin"}],
    }
    two.served.call(DANA, "POST", f"{API}/runs/create", forged)
    said = two.served.mlflow.asked[-1].body
    assert said["user_id"] == "p-dana"
    assert {tag["key"]: tag["value"] for tag in said["tags"]} == {
        "assay.owner": "p-dana",
        "mlflow.user": "p-dana",
    }
    rewritten = {"run_id": two.run, "key": "mlflow.user", "value": "p-erin"}
    two.served.call(DANA, "POST", f"{API}/runs/set-tag", rewritten)
    assert two.served.mlflow.asked[-1].body["value"] == "p-dana"
    assert two.served.call(DANA, "POST", f"{API}/runs/delete-tag", rewritten).status == 403


def test_a_whole_folder_is_no_artifact(two: Two) -> None:
    for folder in (f"0/{two.run}/artifacts", f"0/models/{two.model}/artifacts"):
        assert two.served.call(DANA, "PUT", f"{STORE}/{folder}", b"x").status == 403
        assert two.served.call(DANA, "GET", f"{STORE}/{folder}").status == 403
    assert two.served.mlflow.files == {}


def test_a_run_nobody_owns_is_written_by_nobody(two: Two) -> None:
    two.served.mlflow.runs["f" * 32] = {"info": {}, "data": {"tags": []}}
    refused = two.served.call(DANA, "POST", f"{API}/runs/log-metric", {"run_id": "f" * 32})
    assert refused.status == 403


def test_a_run_there_is_not_is_not_found(two: Two) -> None:
    for method, path, body in two.writes("e" * 32, "m-" + "e" * 32):
        answer = two.served.call(DANA, method, path, body)
        assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), path


def test_people_who_may_read_read_everybodys_runs(two: Two) -> None:
    two.served.call(DANA, "PUT", f"{STORE}/0/{two.run}/artifacts/a.txt", b"hello")
    for target in (
        f"{API}/runs/get?run_id={two.run}",
        f"{API}/logged-models/{two.model}",
        f"{STORE}?path=0/{two.run}/artifacts",
    ):
        assert two.served.call(AMIR, "GET", target).status == 200
    got = two.served.call(AMIR, "GET", f"{STORE}/0/{two.run}/artifacts/a.txt")
    assert got.body == b"hello"
    assert (got.headers["content-type"], got.headers["content-length"]) == ("application/octet-stream", "5")


def test_what_executes_in_a_run_meets_its_own_runs_alone(two: Two) -> None:
    served = two.served
    mine, model = served.new_run(RUN), served.new_model(RUN)
    other = served.new_run(OTHER_RUN)
    assert served.call(RUN, "PUT", f"{STORE}/0/{mine}/artifacts/a", b"x").status == 200
    reads = (
        f"{API}/runs/get?run_id={{run}}",
        f"{API}/metrics/get-history?run_id={{run}}&metric_key=a",
        f"{API}/artifacts/list?run_id={{run}}",
        f"{STORE}?path=0/{{run}}/artifacts",
        f"{STORE}/0/{{run}}/artifacts/a",
    )
    for target in reads:
        assert served.call(RUN, "GET", target.format(run=mine)).status == 200, target
        for not_mine in (other, two.run):
            assert served.call(RUN, "GET", target.format(run=not_mine)).status == 403, target
    assert served.call(RUN, "GET", f"{API}/logged-models/{model}").status == 200
    assert served.call(RUN, "GET", f"{API}/logged-models/{two.model}").status == 403
    assert served.call(RUN, "POST", f"{API}/runs/log-metric", {"run_id": two.run}).status == 403


def test_what_executes_in_a_run_neither_searches_nor_touches_experiments(two: Two) -> None:
    mine = two.served.new_run(RUN)
    for method, path, body in (
        ("GET", "/experiments/search", None),
        ("POST", "/experiments/search", {}),
        ("POST", "/runs/search", {"experiment_ids": ["0"]}),
        ("POST", "/logged-models/search", {"experiment_ids": ["0"]}),
        ("GET", f"/metrics/get-history-bulk-interval?run_ids={mine}&run_ids={two.run}&metric_key=a", None),
        ("GET", "/runs/get", None),
        ("POST", "/experiments/create", {"name": "x"}),
        ("POST", "/experiments/set-experiment-tag", {"experiment_id": "0", "key": "a", "value": "b"}),
    ):
        assert two.served.call(RUN, method, API + path, body).status == 403, path
    assert two.served.call(RUN, "GET", f"{API}/experiments/get-by-name?experiment_name=x").status == 200


def test_a_service_acts_for_the_person_whose_grant_it_carries() -> None:
    mlflow = MemoryMlflow()
    front = Front(mlflow, Served().policy)
    rights = ("tracking/write", "tracking/own-run")
    made = front.send(NEW_RUN, {"experiment_id": "0"}, acting("p-dana", *rights))
    run = json.loads(made.body)["run"]["info"]["run_id"]
    tagged: dict[str, Any] = {"run_id": run, "key": "a", "value": "b"}
    assert front.send(SET_TAG, tagged, acting("p-dana", *rights)).status == 200
    for other in (acting("p-erin", *rights), acting("p-dana", "tracking/write")):
        with pytest.raises(Forbidden):
            front.send(SET_TAG, tagged, other)


def test_a_name_given_once_stays_when_the_owner_acts_for_somebody() -> None:
    """Training made the run itself, and later writes to it with a grant: it does not become that person's."""
    mlflow = MemoryMlflow()
    front = Front(mlflow, Served().policy)
    training = Caller(SpiffeId(DOMAIN, "/svc/core/training"), None, frozenset(), tenant="demo", platform=True)
    made = front.send(NEW_RUN, {"experiment_id": "0"}, training)
    run = json.loads(made.body)["run"]["info"]["run_id"]
    said = {"run_id": run, "key": "mlflow.user", "value": "p-dana"}
    front.send(SET_TAG, said, acting("p-dana", "tracking/write", "tracking/own-run"))
    assert mlflow.asked[-1].body["value"] == str(training.identity)


def test_who_owns_a_run_is_asked_once(two: Two) -> None:
    for _ in range(3):
        two.served.call(DANA, "POST", f"{API}/runs/log-metric", {"run_id": two.run})
    gets = [one for one in two.served.mlflow.asked if one.path == f"{API}/runs/get"]
    assert len(gets) == 1


def test_an_id_in_a_path_that_is_none_of_mlflows_is_never_asked_for() -> None:
    mlflow = MemoryMlflow()
    front = Front(mlflow, Served().policy)
    dana = Caller(SpiffeId(DOMAIN, DANA), None, frozenset(), tenant="demo", platform=True)
    for said in ("search", "..", "m-" + "A" * 32, "m-" + "a" * 32 + "/artifacts/directories", "m-%2e%2e"):
        with pytest.raises(UnknownEntity):
            front.read(Allowed("GET", "/logged-models/{model_id}", Asks.READ), [], dana, said)
    assert mlflow.asked == []
