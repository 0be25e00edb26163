"""What MLflow's pages are shown: runs from MLflow, models from the registry, each for who signed in."""

from __future__ import annotations

import pytest

from assay.contracts import sha256_hex
from services.tracking.queries import QUERIES, folded
from services.tracking.shown import AJAX, AT
from tests.unit.tracking.queries import asking, sent
from tests.unit.tracking.viewers import LENT, Viewers, refusal

DATA = f"{AT}{AJAX}"


@pytest.fixture
def viewers() -> Viewers:
    return Viewers()


def test_the_queries_that_are_answered_are_those_of_the_mlflow_that_is_installed() -> None:
    """An MLflow whose pages ask otherwise fails here, and its run pages would show nothing."""
    texts = {name: sha256_hex(folded(sent()[name]).encode()) for name in QUERIES}
    assert texts == {name: query.digest for name, query in QUERIES.items()}


def test_models_and_versions_are_the_registrys_asked_with_what_the_person_lent(viewers: Viewers) -> None:
    dana = viewers.signed_in()
    found = dana.get(f"{DATA}/registered-models/search?max_results=25&order_by=name%20ASC").json()
    assert [model["name"] for model in found["registered_models"]] == ["credit-default"]
    version = dana.get(f"{DATA}/model-versions/get?name=credit-default&version=1").json()["model_version"]
    assert version["aliases"] == ["champion"]
    query = "path=MLmodel&name=credit-default&version=1"
    assert dana.get(f"{AT}/model-versions/get-artifact?{query}").content == b"flavors: {}"
    assert {grant for _, _, grant in viewers.models.asked} == {LENT}
    assert viewers.mlflow.asked == []


def test_the_page_of_a_run_names_the_versions_the_registry_knows_of_it(viewers: Viewers) -> None:
    run = viewers.models.run
    viewers.mlflow.graphql = {"data": {"mlflowGetRun": {"run": {"modelVersions": []}}}}
    shown = viewers.signed_in().post(f"{AT}/graphql", json=asking("GetRun", run)).json()
    (version,) = shown["data"]["mlflowGetRun"]["run"]["modelVersions"]
    assert (version["name"], version["version"], version["status"]) == ("credit-default", "1", "READY")
    assert viewers.models.asked[0][1][0] == ("filter", f"run_id='{run}'")


def test_an_experiments_page_asks_for_the_experiment_alone(viewers: Viewers) -> None:
    body = {
        "operationName": "MlflowGetExperimentQuery",
        "query": sent()["MlflowGetExperimentQuery"],
        "variables": {"input": {"experimentId": "7"}},
    }
    assert viewers.signed_in().post(f"{AT}/graphql", json=body).status_code == 200
    assert viewers.mlflow.asked[0].body["variables"] == {"input": {"experimentId": "7"}}
    assert viewers.models.asked == []


def test_what_is_not_shown_says_so_in_mlflows_words_and_ours(viewers: Viewers) -> None:
    answer = viewers.signed_in().get(f"{AT}/ajax-api/3.0/mlflow/traces/search")
    assert refusal(answer) == (404, "NotShown")
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert answer.json()["message"].startswith(
        "/tracking/ajax-api/3.0/mlflow/traces/search is not shown here"
    )


def test_the_first_page_says_that_it_is_for_reading_and_leads_to_mlflow(viewers: Viewers) -> None:
    first = viewers.signed_in().get("/").text
    assert "Read-only" in first
    assert f'href="{AT}/"' in first
    assert viewers.signed_in().get(AT).headers["location"] == f"{AT}/"
    icon = viewers.nobody().get(f"{AT}/static-files/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/x-icon")
