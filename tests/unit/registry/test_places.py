"""What serving and predictors say reaches the pages; when they are silent, that is said."""

from __future__ import annotations

import httpx
import pytest

from assay.errors import NotFound, Unavailable
from services.registry.adapters.places import ServingPlaces
from services.registry.ports import Place

VIEW = {"environment": "prod", "endpoint": "credit", "url": "https://localhost:4711", "state": "answering"}


def serving(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/v1/endpoints"
    return httpx.Response(200, json={"endpoints": [VIEW | {"model": "credit-default", "number": 2}]})


def client(answer: object, base: str = "https://localhost:1") -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer), base_url=base)  # type: ignore[arg-type]


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


def places(predictor: object = silent) -> ServingPlaces:
    """Return serving with one endpoint, whose predictor is dialled at its address and identity alone."""

    def dial(url: str, expect: str) -> httpx.Client:
        assert (url, expect) == (VIEW["url"], "/svc/prod/predictor/credit")
        return client(predictor, url)

    return ServingPlaces(client(serving), dial)


def test_every_endpoint_is_told_with_its_address_and_state() -> None:
    assert places().all() == {("prod", "credit"): Place("https://localhost:4711", "answering")}


def test_a_receipt_is_asked_of_the_predictor_that_gave_it_under_its_own_name() -> None:
    asked: list[str] = []

    def predictor(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"receipt": {}, "journal": "0" * 64})

    assert places(predictor).receipt("prod", "credit", "r-1/../x")["journal"] == "0" * 64
    assert asked == ["/v1/receipts/r-1%2F..%2Fx"]


def test_a_predictor_that_has_no_such_receipt_is_believed() -> None:
    problem = {"title": "NotFound", "status": 404, "detail": "no such receipt", "fix": "check the id"}
    headers = {"content-type": "application/problem+json"}
    with pytest.raises(NotFound):
        places(lambda _: httpx.Response(404, json=problem, headers=headers)).receipt("prod", "credit", "r-1")


def test_silence_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="serving does not answer"):
        ServingPlaces(client(silent), lambda *_: client(silent)).all()
    with pytest.raises(Unavailable, match="the predictor does not answer"):
        places().receipt("prod", "credit", "r-1")
