from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay.contracts import Revocation, sha256_hex
from assay.errors import Forbidden, NotFound, Unavailable
from assay.identity.holder import anonymous_client
from assay.web.app import RouteWithoutPermission, build_app
from assay.web.client import call
from assay.web.routes import PUBLIC, Routes
from tests.integration.identity.lab import Lab, spiffe
from tests.unit.identity.authority import DOMAIN


@pytest.fixture
def http(lab: Lab) -> Iterator[httpx.Client]:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as client:
        yield client


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Client-Cert",
        "X-Spiffe-Id",
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Client-Cert",
        "Authorization",
        "Forwarded",
        "X-Assay-Identity",
    ],
)
def test_a_header_that_names_somebody_changes_nothing(http: httpx.Client, header: str) -> None:
    for value in (
        "spiffe://assay.test/people/p-ada",
        "By=x;Hash=y;URI=spiffe://assay.test/people/p-ada",
        "for=ada",
    ):
        answer = http.get("/v1/who", headers={header: value}).json()
        assert answer == {"identity": str(spiffe("/svc/core/serving")), "person": None, "roles": []}


def test_a_persons_certificate_is_that_person_with_roles_from_the_facts(lab: Lab) -> None:
    lab.edge.follower.held["p-ada"] = frozenset({"administrator"})
    with lab.workload("/people/p-ada").client(lab.url, expect="registry") as http:
        answer = http.get("/v1/who", headers={"roles": "approver"}).json()
    assert answer["person"] == "p-ada"
    assert answer["roles"] == ["administrator"]


@pytest.mark.parametrize("name", ["person/p-ada", "identity/people/p-ada"])
def test_a_revoked_person_or_identity_is_forbidden(lab: Lab, name: str) -> None:
    digest = sha256_hex(name.encode())
    lab.edge.follower.gone[digest] = Revocation(revokes=digest, what=name, reason="left", by="p-grace")
    with lab.workload("/people/p-ada").client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").status_code == 403
    assert lab.edge.policy.asked == []


def test_nothing_is_allowed_on_what_is_older_than_the_lease(lab: Lab, http: httpx.Client) -> None:
    lab.edge.follower.behind = True
    answer = http.get("/v1/who")
    assert (answer.status_code, answer.json()["title"]) == (503, "Stale")
    assert lab.edge.policy.asked == []
    lab.edge.follower.behind = False
    assert http.get("/v1/who").status_code == 200


def test_policy_is_asked_about_this_service_and_path_before_the_body_is_read(
    lab: Lab, http: httpx.Client
) -> None:
    lab.edge.policy.actions.remove("lab/echo")
    answer = http.post("/v1/echo/ada", content=b"not json, and " + b"x" * 10_000)
    assert answer.status_code == 403
    (action, caller, resource) = lab.edge.policy.asked[-1]
    assert (action, resource) == ("lab/echo", {"service": "registry", "path": {"name": "ada"}})
    assert caller.identity == spiffe("/svc/core/serving")


def test_a_refusal_is_a_problem_with_name_fix_and_trace(http: httpx.Client) -> None:
    answer = http.get("/v1/forbidden", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["title"], problem["status"]) == ("Forbidden", 403)
    assert problem["fix"]
    assert problem["trace_id"] == "ab" * 16
    with pytest.raises(Forbidden, match="lab/never is not allowed"):
        call(answer)


def test_an_unexpected_error_tells_nothing_from_inside(http: httpx.Client) -> None:
    answer = http.get("/v1/broken")
    assert answer.status_code == 500
    assert "1234" not in answer.text
    assert answer.json()["title"] == "InternalError"
    assert len(answer.json()["trace_id"]) == 32
    assert http.get("/v1/who").status_code == 200


def test_addresses_and_methods_that_do_not_exist_are_problems_too(http: httpx.Client) -> None:
    with pytest.raises(NotFound):
        call(http.get("/v1/nothing"))
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert http.get(path).status_code == 404
    answer = http.delete("/v1/who")
    assert answer.json()["title"] == "MethodNotAllowed"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"a": 1, "a": 2}', "BadRequest"),
        (b'{"a": NaN}', "BadRequest"),
        (b"{", "BadRequest"),
        (b"\xff\xfe", "BadRequest"),
        (b"[1]", "Invalid"),
    ],
)
def test_json_is_read_strictly(http: httpx.Client, body: bytes, title: str) -> None:
    answer = http.post("/v1/echo/x", content=body, headers={"content-type": "application/json"})
    assert answer.json()["title"] == title


def test_a_body_over_the_routes_limit_is_refused_declared_or_not(http: httpx.Client) -> None:
    declared = http.post("/v1/echo/x", json={"a": "x" * 2000})
    streamed = http.post(
        "/v1/echo/x",
        content=iter([b'{"a": "'] + [b"x" * 100] * 50 + [b'"}']),
        headers={"content-type": "application/json"},
    )
    assert [declared.status_code, streamed.status_code] == [413, 413]
    assert declared.json()["title"] == "TooLarge"
    assert http.post("/v1/echo/x", json={"a": 1}).json() == {"x": {"a": 1}}


def test_answers_carry_the_headers_that_keep_browsers_out(http: httpx.Client) -> None:
    for answer in (http.get("/v1/who"), http.get("/v1/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


def test_a_part_that_does_not_answer_is_unavailable(lab: Lab) -> None:
    routes = Routes()

    @routes.get("/v1/other", permission="lab/who")
    def other() -> dict[str, Any]:
        with lab.identity.client("https://127.0.0.1:1", expect="ledger") as client:
            client.get("/")
        return {}

    url = lab.serve(build_app(lab.edge, routes, title="lab"))
    with lab.workload("/svc/core/serving").client(url, expect="registry") as http, pytest.raises(Unavailable):
        call(http.get("/v1/other"))


def test_a_listener_without_client_certificates_serves_public_routes_only(lab: Lab) -> None:
    routes = Routes()

    @routes.get("/v1/open", permission=PUBLIC)
    def opened() -> dict[str, Any]:
        return {"open": True}

    @routes.get("/v1/closed", permission="lab/who")
    def closed() -> dict[str, Any]:
        return {}

    url = lab.serve(build_app(lab.edge, routes, title="lab"), client_certificate=False)
    with anonymous_client(url, ca_pem=lab.authority.ca_pem, trust_domain=DOMAIN, expect="registry") as http:
        assert http.get("/v1/open").json() == {"open": True}
        assert http.get("/v1/closed").status_code == 401


def test_a_route_without_a_permission_stops_start_up(lab: Lab) -> None:
    routes = Routes()

    @routes.get("/v1/forgotten", permission="")
    def forgotten() -> dict[str, Any]:
        return {}

    with pytest.raises(RouteWithoutPermission, match="/v1/forgotten"):
        build_app(lab.edge, routes, title="lab")


def nothing() -> dict[str, str]:
    return {}


def add_plain_route(app: FastAPI) -> None:
    app.add_api_route("/v1/plain", nothing)


def add_mounted_application(app: FastAPI) -> None:
    other = FastAPI()
    other.add_api_route("/v1/plain", nothing)
    app.mount("/other", other)


def add_opaque_application(app: FastAPI) -> None:
    app.mount("/other", httpx.ASGITransport)  # type: ignore[arg-type] # any callable


def add_starlette_route(app: FastAPI) -> None:
    app.add_route("/v1/plain", lambda request: request)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    "add", [add_plain_route, add_mounted_application, add_opaque_application, add_starlette_route]
)
def test_a_route_added_behind_the_edges_back_stops_start_up(lab: Lab, add: Callable[[FastAPI], None]) -> None:
    routes = Routes()
    app = build_app(lab.edge, routes, title="lab")
    add(app)

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(RouteWithoutPermission):
        asyncio.run(start())
