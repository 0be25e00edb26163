"""Models asked of the registry: with what was lent, and its refusals are refused here by the same name."""

from __future__ import annotations

import httpx
import pytest

from assay.errors import Forbidden, Unavailable
from assay.identity.grants import HEADER
from services.tracking.adapters.registry import RegistryModels
from services.tracking.errors import UnknownEntity
from tests.unit.tracking.viewers import PACKAGE

NAME, SOURCE = "credit-default", f"mlflow-artifacts:/packages/sha256-{PACKAGE}"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class Registry:
    """A registry that answers what the test says, and keeps what it was asked."""

    def __init__(self, **answers: httpx.Response) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []
        transport = httpx.MockTransport(self._answer)
        self.models = RegistryModels(httpx.Client(transport=transport, base_url="https://registry"))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        name = request.url.path.rpartition("/")[2]
        if name not in self.answers:
            raise httpx.ConnectError("nobody there", request=request)
        return self.answers[name]


def test_a_question_carries_what_the_person_lent_and_what_was_asked() -> None:
    registry = Registry(search=httpx.Response(200, json={"registered_models": []}))
    query = [("filter", "name LIKE '%a&b%'"), ("order_by", "name"), ("order_by", "tags")]
    assert registry.models.ask("/registered-models/search", query, "lent") == {"registered_models": []}
    (asked,) = registry.asked
    assert asked.url.path == "/api/2.0/mlflow/registered-models/search"
    assert (asked.url.params.multi_items(), asked.headers[HEADER]) == (query, "lent")


def test_a_file_is_read_out_of_the_package_that_the_version_names() -> None:
    version = httpx.Response(200, json={"model_version": {"source": SOURCE}})
    registry = Registry(get=version, MLmodel=httpx.Response(200, content=b"flavors: {}"))
    assert registry.models.file(NAME, "1", "a folder/MLmodel", "lent") == b"flavors: {}"
    assert registry.asked[1].url.path == f"{ARTIFACTS}/packages/sha256-{PACKAGE}/a folder/MLmodel"
    assert {asked.headers[HEADER] for asked in registry.asked} == {"lent"}


def test_a_version_whose_source_is_no_package_of_the_registry_gives_no_file() -> None:
    registry = Registry(get=httpx.Response(200, json={"model_version": {"source": "https://elsewhere/x"}}))
    with pytest.raises(UnknownEntity):
        registry.models.file(NAME, "1", "MLmodel", "lent")
    assert len(registry.asked) == 1


def test_what_the_registry_refuses_is_refused_here() -> None:
    said = {
        "error_code": "PERMISSION_DENIED",
        "title": "Forbidden",
        "status": 403,
        "detail": "no",
        "fix": "ask",
    }
    registry = Registry(get=httpx.Response(403, json=said), search=httpx.Response(502, content=b"<html>"))
    with pytest.raises(Forbidden, match="no") as refused:
        registry.models.ask("/model-versions/get", [], "lent")
    assert refused.value.fix == "ask"
    for path in ("/model-versions/search", "/nowhere"):
        with pytest.raises(Unavailable):
            registry.models.ask(path, [], "lent")
