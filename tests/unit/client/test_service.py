from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assay.client.service import Service
from assay.errors import Conflict, Forbidden, HeadMoved, NotFound, ServiceError, Unavailable

Answer = Callable[[httpx.Request], httpx.Response]


def service(answer: Answer) -> Service:
    http = httpx.Client(base_url="https://registry.test", transport=httpx.MockTransport(answer))
    return Service("registry", http)


def echo(request: httpx.Request) -> httpx.Response:
    """Answer with what was asked."""
    return httpx.Response(
        200,
        json={
            "method": request.method,
            "path": request.url.path,
            "params": dict(request.url.params),
            "body": json.loads(request.content or b"null"),
            "grant": request.headers.get("assay-grant"),
        },
    )


def said(method: str, path: str, **what: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    return {"method": method, "path": path, "params": {}, "body": None, "grant": None} | what


def test_what_is_asked_arrives_as_it_was_said() -> None:
    registry = service(echo)
    assert registry.get("/v1/x", environment="prod") == said("GET", "/v1/x", params={"environment": "prod"})
    assert registry.put("/v1/x", {"a": 1}) == said("PUT", "/v1/x", body={"a": 1})
    assert registry.post("/v1/x", {"a": 1}) == said("POST", "/v1/x", body={"a": 1})


def test_a_grant_travels_in_its_own_header_and_only_with_the_call_it_is_for() -> None:
    registry = service(echo)
    assert registry.post("/v1/x", {}, grant="token")["grant"] == "token"
    assert registry.post("/v1/x", {})["grant"] is None


def test_bytes_come_back_as_they_are() -> None:
    assert service(lambda _: httpx.Response(200, content=b"\0\xff")).bytes("/v1/x") == b"\0\xff"


@pytest.mark.parametrize("kind", [Forbidden, NotFound, Conflict, HeadMoved, Unavailable])
def test_a_refusal_there_is_the_same_refusal_here(kind: type[ServiceError]) -> None:
    problem = kind("because", fix="do this", head="ab").problem()
    with pytest.raises(kind) as refused:
        service(lambda _: httpx.Response(kind.status, json=problem)).get("/v1/x")
    assert refused.value.problem() == problem


@pytest.mark.parametrize(
    "body", [b"", b"<html>bad gateway</html>", b"[]", b"null", b'"title"', b'{"error": "x"}', b"\xff"]
)
def test_a_failure_that_does_not_say_why_is_still_a_refusal(body: bytes) -> None:
    with pytest.raises(ServiceError) as refused:
        service(lambda _: httpx.Response(502, content=body)).get("/v1/x")
    assert type(refused.value) is ServiceError


def test_a_long_answer_is_not_repeated_in_full() -> None:
    with pytest.raises(ServiceError) as refused:
        service(lambda _: httpx.Response(500, content=b"x" * 100_000)).get("/v1/x")
    assert len(refused.value.detail) <= 500


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"location": "https://elsewhere.test/"})

    with pytest.raises(ServiceError):
        service(elsewhere).get("/v1/x")
    assert asked == ["https://registry.test/v1/x"]


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout]
)
def test_a_service_that_does_not_answer_is_unavailable_by_name(error: type[httpx.TransportError]) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise error("connection refused", request=request)

    with pytest.raises(Unavailable, match=f"registry does not answer: {error.__name__}"):
        service(down).get("/v1/x")
