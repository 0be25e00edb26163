"""Nobody does what they have no right to, on any route; and what is no clear yes is a no."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.contracts import SpiffeId
from assay.errors import Forbidden, ServiceError, Unavailable
from assay.policy import OpaWasm, decisions
from assay.policy.decisions import Answer, Decision, PolicyEngine
from assay.web import app as edge
from assay.web.app import RouteWithoutPermission, build_app
from assay.web.caller import Caller
from assay.web.routes import PUBLIC, PermittedRoute, Routes
from tests.architecture.test_permissions import DECLARING, declared
from tests.contract.policy.callers import ADA, AMIR, DANA, GATEWAY, PREDICTOR, person, run, service
from tests.integration.identity.lab import Lab
from tests.support.ledger import WASM

YES = {"allow": True, "rule": "r", "reason": "x", "fix": ""}
GARBAGE: list[object] = [
    *(
        None,
        True,
        "true",
        1,
        [],
        {},
        [YES],
        {"allow": "true"},
        {"allow": 1},
        {"allow": True},
        {"ALLOW": True},
    ),
    *({**YES, "allow": "true"}, {**YES, "allow": 1}, {**YES, "allow": None}, {**YES, "allow": [True]}),
    *(
        {**YES, "rule": None},
        {**YES, "reason": 1},
        {**YES, "fix": None},
        {"result": YES},
        {"allow": {"allow": True}},
    ),
    *(
        {**YES, "allow": "false"},
        {**YES, "allow": float("nan")},
        "allow",
        {"decision": YES},
        {"allow": False},
    ),
]


class Saying(PolicyEngine):
    """An engine that gives one answer to everything, at one revision."""

    def __init__(self, result: object, *, expected: Callable[[], str] | None = None) -> None:
        super().__init__(expected=expected)
        self._result = result

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:  # noqa: ARG002 - the port's
        """Say it."""
        return Answer(self._result, "r1")


@pytest.mark.threat("T-IAM-03")
@pytest.mark.parametrize("answer", GARBAGE, ids=lambda answer: str(answer)[:40])
def test_what_is_no_decision_allows_nothing(answer: object) -> None:
    with pytest.raises(Unavailable):
        Saying(answer).require("registry/promote", ADA)


@pytest.mark.threat("T-IAM-03")
@pytest.mark.parametrize("in_force", ["r2", "", "r1 ", "R1"])
def test_a_yes_by_another_revision_than_is_in_force_allows_nothing(in_force: str) -> None:
    with pytest.raises(Unavailable):
        Saying(YES, expected=lambda: in_force).require("registry/promote", ADA)


@pytest.mark.threat("T-IAM-03")
@pytest.mark.parametrize(
    "answer",
    [
        *(None, {}, True, {"passed": True}, {"passed": "true", "missing": [], "rule": "r"}),
        {"passed": True, "missing": [{"what": "x", "how": "y"}], "rule": "r"},
        {"passed": True, "missing": [None], "rule": "r"},
        {"passed": True, "missing": None, "rule": "r"},
        {"passed": False, "missing": [], "rule": "r"},
    ],
    ids=lambda answer: str(answer)[:40],
)
def test_what_is_no_verdict_passes_nothing(answer: object) -> None:
    with pytest.raises(Unavailable):
        Saying(answer).gate({})


@pytest.mark.control("T-IAM-03")
def test_control_a_clear_yes_allows() -> None:
    Saying(YES).require("registry/promote", ADA)
    Saying(YES, expected=lambda: "r1").require("registry/promote", ADA)


@pytest.mark.control("T-IAM-03")
def test_control_a_reader_with_a_default_of_yes_would_allow_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(engine: Saying, *_: object) -> Decision:
        said = engine._result if isinstance(engine._result, dict) else {}
        return Decision(said.get("allow", True) is not False, "", "", "", "r1")

    monkeypatch.setattr(decisions.PolicyEngine, "decide", careless)
    Saying({}).require("registry/promote", ADA)


# ---- every route of every service, for everybody who has no right to it

EVE = person("p-eve")
NOBODIES: dict[str, Caller] = {
    "a person without a role": EVE,
    "a gateway": GATEWAY,
    "an unknown service": service("evil"),
    "a service without a name": Caller(SpiffeId("assay.demo", "/svc/core"), None, frozenset()),
    "somebody below a person": Caller(
        SpiffeId("assay.demo", "/people/p-eve/x"), None, frozenset({"administrator"})
    ),
}
ANYBODY = "any person who is signed in"


def every_route() -> list[tuple[str, PermittedRoute]]:
    return [(name, route) for name in DECLARING for route in declared(importlib.import_module(name))]


@pytest.fixture(scope="module")
def rules() -> OpaWasm:
    return OpaWasm(WASM)


def may(rules: OpaWasm, permission: str, caller: Caller) -> bool:
    """Say whether the rules allow it to somebody who signed in just now."""
    caller = replace(caller, signed_in=time.time() if caller.signed_in else None)
    try:
        rules.require(permission, caller, {"service": "x", "path": {}})
    except ServiceError:
        return False
    return True


def for_anybody(rules: OpaWasm, permission: str) -> bool:
    """Say whether the table of rights gives this to everybody who is somebody, by the refusal's own words."""
    try:
        rules.require(permission, GATEWAY, {})
    except Forbidden as refusal:
        return ANYBODY in refusal.fix
    return True


@pytest.mark.threat("T-REG-05")
@pytest.mark.parametrize("who", NOBODIES)
def test_whoever_is_nobody_is_allowed_nothing_on_any_route(
    rules: OpaWasm, who: str, attempts: Callable[[int], None]
) -> None:
    tried = [route.permission for _, route in every_route() if route.permission != PUBLIC]
    got = {one for one in tried if may(rules, one, NOBODIES[who])}
    if NOBODIES[who] is EVE:
        got = {one for one in got if not for_anybody(rules, one)}
    assert len(tried) > 50
    assert got == set()
    attempts(len(tried))


WRITES = (
    "registry/promote",
    "registry/revoke",
    "registry/approve",
    "serving/roll-out",
    "identity/change-role",
)


@pytest.mark.threat("T-REG-05")
@pytest.mark.parametrize("permission", WRITES)
@pytest.mark.parametrize(
    "caller", [EVE, PREDICTOR, run("run-1"), service("tracking"), service("features")], ids=str
)
def test_what_decides_about_production_is_not_for_everybody(
    rules: OpaWasm, permission: str, caller: Caller
) -> None:
    assert not may(rules, permission, caller)


@pytest.mark.control("T-REG-05")
def test_control_whoever_holds_the_right_is_allowed(rules: OpaWasm) -> None:
    assert may(rules, "registry/promote", ADA)
    assert may(rules, "registry/approve", AMIR)
    assert may(rules, "registry/register", DANA)


# ---- every route of every service, for those who show nothing


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield made
    finally:
        made.close()


def statuses(app: FastAPI) -> dict[str, int]:
    """Ask every route without a certificate, as through a listener that let it through."""
    with TestClient(app, raise_server_exceptions=False) as client:
        return {
            f"{method} {route.path}": client.request(
                method, route.path.replace("{", "").replace("}", "")
            ).status_code
            for route in app.routes
            if isinstance(route, PermittedRoute)
            for method in sorted(route.methods or ())
            if route.permission != PUBLIC
        }


def mounted(lab: Lab, name: str) -> FastAPI:
    """Return an application with a module's real routes, over parts that are never reached."""
    app = build_app(lab.edge, title=name)
    app.router.routes.extend(declared(importlib.import_module(name)))
    return app


@pytest.mark.threat("T-REG-06")
@pytest.mark.parametrize("name", [name for name in DECLARING if "ui" not in name.split(".")])
def test_without_a_certificate_no_route_of_any_service_answers(
    lab: Lab, name: str, attempts: Callable[[int], None]
) -> None:
    found = statuses(mounted(lab, name))
    assert {path: status for path, status in found.items() if status not in {401, 404}} == {}
    attempts(max(1, len(found)))


def forgetful() -> Routes:
    routes = Routes()

    @routes.get("/v1/open", permission="")
    def opened() -> dict[str, str]:
        return {}

    return routes


@pytest.mark.threat("T-REG-06")
def test_a_route_that_forgot_its_permission_stops_the_start(lab: Lab) -> None:
    with pytest.raises(RouteWithoutPermission):
        build_app(lab.edge, forgetful(), title="lab")


@pytest.mark.control("T-REG-06")
def test_control_where_nobody_looks_a_route_behind_the_edge_is_open_to_all(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "refuse_undeclared", lambda _: None)
    app = build_app(lab.edge, title="lab")
    app.add_api_route("/v1/plain", lambda: {"open": True})
    with TestClient(app) as client:
        assert client.get("/v1/plain").json() == {"open": True}
