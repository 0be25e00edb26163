"""What a client sees: MLflow's words for refusals, nothing of MLflow's headers, and no body that is not asked for."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.tracking.api import ARTIFACT_LIMIT, BODY_LIMIT
from tests.unit.tracking.front import DANA, ERIN, Answered, Served

API = "/api/2.0/mlflow"
STORE = "/api/2.0/mlflow-artifacts/artifacts"


def sent(served: Served, who: str, method: str, target: str, body: object, **headers: str) -> Answered:
    """Send with headers, written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(served.sent(who, method, target, body, named))


def test_a_route_that_is_not_offered_is_endpoint_not_found() -> None:
    served = Served()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (
            f"{API}/runs/delete",
            f"{API}/experiments/delete",
            f"{API}/traces",
            "/api/3.0/mlflow/traces",
            f"{API}/registered-models/create",
            "/api/2.0/mlflow-artifacts/mpu/create/0/x",
            "/api/2.0/mlflow-artifacts/presigned/x",
            "/api/3.0/mlflow/jobs",
            "/api/2.0/mlflow",
        ):
            answer = served.call(DANA, method, path)
            assert (answer.status, answer.json["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
            assert "not offered here" in answer.json["message"]
            assert answer.headers["content-type"] == "application/json"
    assert served.mlflow.asked == []


def test_a_method_that_is_not_offered_is_endpoint_not_found() -> None:
    served = Served()
    for method in ("DELETE", "PUT", "OPTIONS", "TRACE"):
        answer = served.call(DANA, method, f"{API}/runs/create")
        assert answer.json["error_code"] == "ENDPOINT_NOT_FOUND"


def test_a_refusal_is_in_mlflows_words_and_names_rule_and_fix() -> None:
    served = Served()
    run = served.new_run(DANA)
    refused = served.call(ERIN, "POST", f"{API}/runs/update", {"run_id": run}).json
    assert refused["error_code"] == "PERMISSION_DENIED"
    assert {"message", "rule", "fix", "trace_id"} <= set(refused)


def test_mlflow_down_is_503_with_a_time_to_come_back() -> None:
    served = Served()
    run = served.new_run(DANA)
    served.mlflow.down = True
    for method, path, body in (
        ("GET", f"{API}/runs/get?run_id={run}", None),
        ("POST", f"{API}/runs/log-metric", {"run_id": run}),
        ("PUT", f"{STORE}/0/{run}/artifacts/a", b"x"),
        ("GET", f"{STORE}/0/{run}/artifacts/a", None),
    ):
        answer = served.call(DANA, method, path, body)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["error_code"] == "TEMPORARILY_UNAVAILABLE"
    served.mlflow.down = False
    assert served.call(DANA, "GET", f"{API}/runs/get?run_id={run}").status == 200


def test_a_get_carries_no_body_on() -> None:
    """MLflow reads a GET's body when it has no parameters."""
    served = Served()
    served.call(DANA, "GET", f"{API}/experiments/search", {"filter": "name = 'x'", "run_id": "a" * 32})
    assert served.mlflow.asked[-1].body is None
    assert served.mlflow.asked[-1].query == ()


def test_a_post_carries_no_parameters_on() -> None:
    served = Served()
    served.call(DANA, "POST", f"{API}/runs/search?filter=x&runId=y", {"experiment_ids": ["0"]})
    assert served.mlflow.asked[-1].query == ()


@pytest.mark.parametrize(
    "body", [b'{"run_id": "a", "run_id": "b"}', b'{"a": NaN}', b"[]", b'"{}"', b"", b"x", b"[" * 100_000]
)
def test_a_body_that_is_no_plain_object_is_refused(body: bytes) -> None:
    served = Served()
    answer = served.call(DANA, "POST", f"{API}/runs/log-metric", body)
    assert answer.status in {400, 422}
    assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE"
    assert served.mlflow.asked == []


def test_half_a_character_and_a_number_without_end_are_refused() -> None:
    served = Served()
    run = served.new_run(DANA)
    for value in (b'"\\ud800"', b"1e999"):
        body = b'{"run_id": "' + run.encode() + b'", "key": "a", "value": ' + value + b"}"
        assert served.call(DANA, "POST", f"{API}/runs/set-tag", body).status == 400


def test_a_body_over_the_limit_is_refused_and_reaches_nobody() -> None:
    served = Served()
    run = served.new_run(DANA)
    asked = len(served.mlflow.asked)
    large = sent(served, DANA, "POST", f"{API}/runs/set-tag", b"", content_length=str(BODY_LIMIT + 1))
    assert (large.status, large.json["error_code"]) == (413, "INVALID_PARAMETER_VALUE")
    target = f"{STORE}/0/{run}/artifacts/a"
    assert sent(served, DANA, "PUT", target, b"", content_length=str(ARTIFACT_LIMIT + 1)).status == 413
    assert [one.method for one in served.mlflow.asked[asked:]] == ["GET"]


def test_somebody_elses_artifact_is_refused_before_it_is_received() -> None:
    served = Served()
    run = served.new_run(DANA)
    target = f"{STORE}/0/{run}/artifacts/a"
    assert sent(served, ERIN, "PUT", target, b"", content_length=str(ARTIFACT_LIMIT + 1)).status == 403


def test_headers_that_name_somebody_or_a_workspace_change_nothing() -> None:
    served = Served()
    headers = {
        "x_forwarded_client_cert": "URI=spiffe://assay.test/people/p-erin",
        "x_mlflow_workspace": "other",
        "authorization": "Basic YWRtaW46cA==",
        "host": "localhost/../../graphql?",
    }
    made = sent(served, DANA, "POST", f"{API}/runs/create", {"experiment_id": "0"}, **headers)
    assert made.status == 200
    assert served.mlflow.asked[-1].path == f"{API}/runs/create"
    assert served.mlflow.asked[-1].body["user_id"] == "p-dana"


def test_uploads_that_go_around_the_front_are_said_not_to_be_there() -> None:
    said = Served().call(DANA, "GET", "/api/3.0/mlflow/server-info").json
    assert json.dumps(said)
    around = {name: said[name] for name in said if "upload" in name or "download" in name}
    assert len(around) == 4
    assert set(around.values()) == {False}
