"""Another service's pages, where people sign in through identity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import pytest
from fastapi import Depends, Request, Response
from fastapi.responses import PlainTextResponse

from assay.pages import PageRoutes, Sessions, Site, build_pages
from assay.pages.app import NotAPage
from assay.pages.relying import Relying, relying_pages
from assay.pages.signing import sign_out_pages
from assay.web.app import RouteWithoutPermission
from assay.web.caller import Caller, calling
from assay.web.client import call
from assay.web.routes import Routes
from assay_laptop.platform.addresses import free_ports
from tests.integration.identity.lab import Lab
from tests.integration.identity.world import World
from tests.support.people import surfer
from tests.support.surfer import Surfer

__all__ = ["surfer"]


class Registry:
    """A service with one page, beside identity."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        (port,) = free_ports(1)
        self.origin = f"https://localhost:{port}"
        self.world = World(lab, folder, registry_pages=self.origin)
        self.world.serve_people()
        self.workload = lab.workload("/svc/core/registry")
        self.http = self.workload.client(self.world.url, expect="identity")
        self.site = Site("registry", "Models", self.origin, folder, Sessions())
        relying = Relying(
            self.world.people_origin,
            lambda body: call(self.http.post("/v1/codes/redeem", json=body)).json(),
        )
        pages = build_pages(
            self.world.identity.parts,
            self.site,
            sign_out_pages(),
            relying_pages(self.site, relying),
            own(),
        )
        lab.serve(pages, self.workload, port=port, client_certificate=False)


def own() -> PageRoutes:
    pages = PageRoutes()

    @pages.get("/models", permission="identity/own-session")
    def models(request: Request, caller: Annotated[Caller, Depends(calling)]) -> Response:
        return PlainTextResponse(f"models for {caller.person}")

    return pages


@pytest.fixture
def registry(lab: Lab, tmp_path: Path) -> Iterator[Registry]:
    made = Registry(lab, tmp_path)
    yield made
    made.http.close()


@pytest.fixture
def peopled(registry: Registry) -> World:
    return registry.world


def follow(surfer: Surfer, registry: Registry, path: str) -> list[str]:
    """Go where each answer sends the browser; return the addresses, without what is secret in them."""
    seen, address = [], f"{registry.origin}{path}"
    for _ in range(6):
        answer = surfer.http.get(address)
        seen.append(f"{urlsplit(address).port}{urlsplit(address).path} {answer.status_code}")
        if answer.status_code != 303:
            return [*seen, answer.text]
        there = answer.headers["location"]
        address = there if "://" in there else f"{address.partition(urlsplit(address).path)[0]}{there}"
    return seen


def test_who_is_signed_in_at_identity_is_signed_in_here_by_a_code(registry: Registry, surfer: Surfer) -> None:
    passkey = registry.world.browser_passkey("dana")
    surfer.sign_in(passkey)
    seen = follow(surfer, registry, "/models")
    assert [each.partition("/")[2] for each in seen[:-1]] == [
        "models 303",
        "sign-in 303",
        "authorize 303",
        "signed-in 303",
        "models 200",
    ]
    assert seen[-1] == f"models for {passkey.person}"
    assert len(registry.site.sessions.of(passkey.person)) == 1


def test_who_is_not_signed_in_ends_at_identitys_sign_in_page(registry: Registry, surfer: Surfer) -> None:
    seen = follow(surfer, registry, "/models")
    assert seen[-2] == f"{registry.world.people_port}/sign-in 200"


def test_a_code_brought_to_a_browser_that_did_not_ask_signs_nobody_in(
    registry: Registry, surfer: Surfer
) -> None:
    """Login CSRF: somebody is made to work in the attacker's session."""
    attacker = registry.world.surfer()
    attacker.sign_in(registry.world.browser_passkey("amir"))
    asked = attacker.http.get(f"{registry.origin}/sign-in").headers["location"]
    back = attacker.http.get(asked).headers["location"]
    stolen = surfer.http.get(back)
    assert stolen.status_code == 401
    assert "SignInFailed" in stolen.text
    assert attacker.http.get(back).status_code == 303
    attacker.close()


def test_a_session_here_is_none_there_and_the_other_way_round(registry: Registry, surfer: Surfer) -> None:
    surfer.sign_in(registry.world.browser_passkey("dana"))
    follow(surfer, registry, "/models")
    mine = surfer.http.cookies["__Host-assay-registry"]
    stranger = registry.world.surfer()
    cookie = {"cookie": f"__Host-assay-identity={mine}"}
    assert stranger.http.get("/", headers=cookie).status_code == 303
    stranger.close()


def test_a_route_of_a_service_or_a_page_without_permission_stops_start_up(registry: Registry) -> None:
    parts = registry.world.identity.parts
    service = Routes()
    service.get("/v1/x", permission="identity/own-session")(lambda: None)
    with pytest.raises(NotAPage):
        build_pages(parts, registry.site, service)  # type: ignore[arg-type]
    nobody = PageRoutes()
    nobody.get("/x", permission="")(lambda: None)
    with pytest.raises(RouteWithoutPermission):
        build_pages(parts, registry.site, nobody)
    assert build_pages(parts, registry.site, own())
