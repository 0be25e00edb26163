"""Attacks on MLflow's own pages as tracking shows them: each beside what the same request does when it is honest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from assay.contracts import sha256_hex
from assay.pages import tools
from services.tracking import queries
from services.tracking.allowed import Asks
from services.tracking.queries import Query
from services.tracking.shown import AJAX, AT, SHOWN
from tests.unit.tracking.queries import asking, sent
from tests.unit.tracking.viewers import Viewers, refusal

PAGE, DATA = f"{AT}/", f"{AT}{AJAX}"
RUN = "1" * 32
SEARCH = {"experiment_ids": ["0"]}
ELSEWHERE: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "https://localhost:9"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "none"},
]
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"{DATA}/runs/create", {"experiment_id": "0"}),
    ("POST", f"{DATA}/runs/set-tag", {"run_id": RUN, "key": "a", "value": "b"}),
    ("POST", f"{DATA}/runs/delete", {"run_id": RUN}),
    ("POST", f"{DATA}/experiments/create", {"name": "x"}),
    ("PATCH", f"{DATA}/logged-models/m-{RUN}/tags", {"tags": []}),
    ("DELETE", f"{DATA}/logged-models/m-{RUN}", {}),
    ("POST", f"{DATA}/upload-artifact?run_uuid={RUN}&path=a", {}),
    ("POST", f"{DATA}/registered-models/create", {"name": "x"}),
    (
        "POST",
        f"{DATA}/registered-models/alias",
        {"name": "credit-default", "alias": "champion", "version": "1"},
    ),
    ("DELETE", f"{DATA}/model-versions/delete", {"name": "credit-default", "version": "1"}),
    ("POST", f"{DATA}/gateway-proxy", {"gateway_path": "http://127.0.0.1/"}),
    ("PUT", f"{AT}/api/2.0/mlflow-artifacts/artifacts/0/{RUN}/artifacts/a", {}),
    ("POST", f"{AT}/ajax-api/3.0/mlflow/assistant/message", {}),
]


@pytest.fixture
def viewers() -> Viewers:
    return Viewers()


@pytest.mark.threat("T-IAM-09")
def test_without_a_session_of_this_very_listener_mlflows_pages_show_nothing(viewers: Viewers) -> None:
    dana, nobody = viewers.signed_in(), viewers.nobody()
    token = str(dana.cookies[viewers.site.cookie])
    for name in ("__Host-assay-identity", "__Host-assay-registry", "assay-tracking"):
        stranger = {"cookie": f"{name}={token}"}
        assert refusal(nobody.get(f"{DATA}/runs/get?run_id={RUN}", headers=stranger))[0] == 401
        assert nobody.get(PAGE, headers=stranger).headers["location"] == "/sign-in?next=%2Ftracking%2F"
    assert nobody.post(f"{DATA}/runs/search", json=SEARCH).status_code == 401
    assert nobody.post(f"{AT}/graphql", json=asking("GetRun", RUN)).status_code == 401
    assert (viewers.mlflow.asked, viewers.models.asked) == ([], [])
    assert dana.post(f"{DATA}/runs/search", json=SEARCH).status_code == 200
    assert dana.get(PAGE).status_code == 200


@pytest.mark.threat("T-IAM-09")
def test_who_left_or_holds_no_role_reads_nothing_though_they_signed_in(viewers: Viewers) -> None:
    asked = (f"{DATA}/runs/get?run_id={RUN}", f"{DATA}/registered-models/search", f"{AT}/get-artifact?path=a")
    left, stranger = viewers.signed_in("p-left"), viewers.signed_in("p-stranger")
    assert {refusal(stranger.get(path)) for path in asked} == {(403, "Forbidden")}
    assert {refusal(left.get(path)) for path in asked} == {(401, "SignInNeeded")}
    assert (viewers.mlflow.asked, viewers.models.asked) == ([], [])


@pytest.mark.threat("T-IAM-09")
@pytest.mark.parametrize("headers", ELSEWHERE)
def test_what_another_origins_page_asks_for_is_not_asked(viewers: Viewers, headers: dict[str, str]) -> None:
    dana = viewers.signed_in()
    for path, body in ((f"{DATA}/runs/search", SEARCH), (f"{AT}/graphql", asking("GetRun", RUN))):
        assert refusal(dana.post(path, json=body, headers=headers)) == (403, "CrossSite")
    if headers.get("sec-fetch-site", "none") != "none":
        embedded = dana.get(f"{DATA}/experiments/search", headers=headers)
        assert refusal(embedded) == (403, "CrossSite")
    assert viewers.mlflow.asked == []
    assert dana.post(f"{DATA}/runs/search", json=SEARCH).status_code == 200


@pytest.mark.control("T-IAM-09")
def test_control_where_nobody_asks_who_sent_a_search_another_origins_page_searches(
    viewers: Viewers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "sent_from", lambda *_: None)
    answer = viewers.signed_in().post(f"{DATA}/runs/search", json=SEARCH, headers=ELSEWHERE[0])
    assert (answer.status_code, len(viewers.mlflow.asked)) == (200, 1)


@pytest.mark.threat("T-REG-04")
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_no_button_of_mlflows_pages_changes_anything(
    viewers: Viewers, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = viewers.signed_in().request(method, path, json=body)
    assert refusal(answer) == (403, "PagesOnlyRead")
    assert "registry's pages" in answer.json()["message"]
    assert (viewers.mlflow.asked, viewers.models.asked) == ([], [])


def test_every_route_that_pages_may_ask_for_only_reads() -> None:
    assert {allowed.asks.reads for allowed in SHOWN} == {True}
    assert not Asks.WRITE.reads


@pytest.mark.threat("T-REG-06")
def test_another_graphql_query_than_the_pages_own_is_not_asked(viewers: Viewers) -> None:
    dana, honest, other = viewers.signed_in(), asking("GetRun", RUN), sent()["SearchRuns"]
    bent: list[dict[str, Any]] = [
        asking("SearchRuns", RUN),
        honest | {"query": other},
        honest | {"query": honest["query"] + other},
        honest | {"query": honest["query"].replace("source", "source runId")},
        honest | {"operationName": "SearchRuns"},
        honest | {"operationName": ["GetRun"]},
        honest | {"variables": {"data": {"runId": "../x"}}},
        honest | {"variables": {"data": {"runId": {"a": 1}}}},
        honest | {"variables": {"input": {"experimentId": "0"}}},
        {"operationName": "GetRun"},
    ]
    for body in bent:
        assert refusal(dana.post(f"{AT}/graphql", json=body)) == (403, "UnknownQuery"), body
    batch = dana.post(
        f"{AT}/graphql", content=json.dumps([honest, honest]), headers={"content-type": "application/json"}
    )
    assert batch.status_code == 422
    assert dana.get(f"{AT}/graphql", params={"query": honest["query"]}).status_code == 404
    assert viewers.mlflow.asked == []
    assert dana.post(f"{AT}/graphql", json=honest).status_code == 200
    (asked,) = viewers.mlflow.asked
    assert asked.body == {**honest, "query": queries.folded(honest["query"])}


@pytest.mark.control("T-REG-06")
def test_control_a_text_whose_digest_is_listed_is_asked_whatever_it_says(
    viewers: Viewers, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256_hex(queries.folded(sent()["SearchRuns"]).encode())
    monkeypatch.setattr(queries, "QUERIES", {"SearchRuns": Query(digest, "data", "runId")})
    answer = viewers.signed_in().post(f"{AT}/graphql", json=asking("SearchRuns", RUN))
    assert (answer.status_code, len(viewers.mlflow.asked)) == (200, 1)


@pytest.mark.threat("T-REG-11")
def test_an_artifact_leaves_as_a_file_to_keep_and_runs_nowhere(viewers: Viewers) -> None:
    script = b"<script>parent.pwned = 1</script>"
    for name in ("report.html", "picture.svg"):
        viewers.mlflow.files[name] = script
        kept = viewers.signed_in().get(f"{AT}/get-artifact", params={"path": name, "run_uuid": RUN})
        assert (kept.content, kept.headers["content-type"]) == (script, "application/octet-stream")
        assert kept.headers["content-disposition"] == "attachment"
        assert kept.headers["content-security-policy"] == "sandbox"
        assert kept.headers["x-content-type-options"] == "nosniff"
    document = viewers.signed_in().get(PAGE).headers["content-security-policy"]
    assert "script-src 'self';" in document
    assert "default-src 'none'" in document


BENT = (
    f"{PAGE}ajax-api/2.0/mlflow/../../../api/2.0/mlflow/runs/create",
    f"{PAGE}ajax-api/2.0/mlflow/%2e%2e/runs/get?run_id={RUN}",
    f"{PAGE}ajax-api/2.0/mlflow%2fruns%2fget%2f",
    f"{PAGE}/ajax-api/2.0/mlflow/runs/get?run_id={RUN}",
    f"{PAGE}ajax-api/2.0/mlflow/runs/get;x=y?run_id={RUN}",
    f"{PAGE}ajax-api/2.0/mlflow/runs/get%00?run_id={RUN}",
    f"{PAGE}ajax-api/2.0/mlflow/runs/get/?run_id={RUN}",
    f"{PAGE}ajax-api/3.0/mlflow/traces/get",
    f"{PAGE}api/2.0/mlflow/runs/get?run_id={RUN}",
    f"{PAGE}static-files/../../../../../../etc/passwd",
    f"{PAGE}static-files/%2e%2e/%2e%2e/handlers.py",
    f"{PAGE}static-files/index.html",
    "/ajax-api/2.0/mlflow/runs/search",
    "/api/2.0/mlflow/runs/search",
    "/graphql",
    "/get-artifact?path=a",
    f"{PAGE}version",
    f"{PAGE}metrics",
)


@pytest.mark.threat("T-REG-02")
@pytest.mark.parametrize("path", BENT)
def test_no_spelling_of_an_address_reaches_what_is_not_shown(viewers: Viewers, path: str) -> None:
    assert viewers.signed_in().get(path).status_code == 404
    assert viewers.mlflow.asked == []


@pytest.mark.threat("T-REG-02")
@pytest.mark.parametrize(
    "path", ["../../secret", "/etc/passwd", "a/../../b", "a\\..\\b", "a%2f..", ".", "a\x00b"]
)
def test_no_path_of_an_artifact_leaves_its_folder(viewers: Viewers, path: str) -> None:
    dana = viewers.signed_in()
    model = f"{DATA}/logged-models/m-{RUN}/artifacts"
    asked: list[Callable[[str], Any]] = [
        lambda one: dana.get(f"{AT}/get-artifact", params={"path": one, "run_uuid": RUN}),
        lambda one: dana.get(f"{DATA}/artifacts/list", params={"path": one, "run_id": RUN}),
        lambda one: dana.get(f"{model}/files", params={"artifact_file_path": one}),
        lambda one: dana.get(f"{model}/directories", params={"artifact_directory_path": one}),
        lambda one: dana.get(
            f"{AT}/model-versions/get-artifact", params={"path": one, "name": "m", "version": "1"}
        ),
    ]
    assert {refusal(ask(path)) for ask in asked} == {(403, "ArtifactsStayHere")}
    assert (viewers.mlflow.asked, viewers.models.asked) == ([], [])
    assert {ask("a/b.txt").status_code for ask in asked} == {200}
