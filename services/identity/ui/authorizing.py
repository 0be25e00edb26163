"""Letting an application in: the command by its loopback redirect or by a device's code, a service by redirect."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Query, Request, Response

from assay.pages import Attempts, PageRoutes, Session, page, redirect, session_of
from assay.pages.app import POLICY
from services.identity.authorizing import Authorizing
from services.identity.codes import COMMAND

Mine = Annotated[Session, Depends(session_of)]


def asked_for(
    client: str,
    redirect_uri: str,
    code_challenge: str,
    state: str,
    code_challenge_method: str = "",
    key: str = "",
    host: str = "",
) -> dict[str, str]:
    """FastAPI dependency: the protocol's parameters, in the words of `Wish`."""
    return {
        "client": client,
        "redirect": redirect_uri,
        "challenge": code_challenge,
        "method": code_challenge_method,
        "state": state,
        "key": key,
        "host": host,
    }


Asked = Annotated[dict[str, str], Depends(asked_for)]


def authorizing_pages(authorizing: Authorizing, attempts: Attempts) -> PageRoutes:
    """Return the pages on which somebody who is signed in grants what an application asks for."""
    pages = PageRoutes()
    _add_redirects(pages, authorizing)
    _add_devices(pages, authorizing, attempts)
    return pages


def _add_redirects(pages: PageRoutes, authorizing: Authorizing) -> None:
    @pages.get("/authorize", permission="identity/authorize")
    def ask(request: Request, asked: Asked, session: Mine) -> Response:
        wish = authorizing.wish(asked)
        if wish.client != COMMAND:  # a service of this platform: it learns who, and gets no certificate
            return redirect(wish.granted(authorizing.codes.give(wish, session)))
        authorizing.require_just_signed_in(session)
        answer = page(request, "authorize.html", wish=wish, query=request.url.query)
        answer.headers["content-security-policy"] = _returning_to(wish.redirect)
        return answer

    @pages.post("/authorize", permission="identity/authorize")
    def decide(asked: Asked, session: Mine, verdict: Annotated[str, Form()]) -> Response:
        wish = authorizing.wish(asked)
        if verdict != "allow":
            return redirect(wish.denied())
        if wish.client == COMMAND:
            authorizing.require_just_signed_in(session)
        return redirect(wish.granted(authorizing.codes.give(wish, session)))


def _add_devices(pages: PageRoutes, authorizing: Authorizing, attempts: Attempts) -> None:
    @pages.get("/device", permission="identity/authorize")
    def device(request: Request, session: Mine, code: Annotated[str, Query(max_length=20)] = "") -> Response:
        authorizing.require_just_signed_in(session)
        if not code:
            return page(request, "device.html", asking=None)
        attempts.count(session.person)
        return page(request, "device.html", asking=authorizing.devices.shown(code))

    @pages.post("/device", permission="identity/authorize")
    def confirm(
        request: Request, session: Mine, code: Annotated[str, Form()], verdict: Annotated[str, Form()]
    ) -> Response:
        attempts.count(session.person)
        if verdict == "allow":
            authorizing.require_just_signed_in(session)
        asking = authorizing.devices.shown(code)
        authorizing.devices.decide(code, session, allow=verdict == "allow")
        return page(request, "device_done.html", asking=asking, allowed=verdict == "allow")


def _returning_to(address: str) -> str:
    """Return the pages' policy with leave to be sent on to one more origin, by a form's answer."""
    back = urlsplit(address)
    return POLICY.replace("form-action 'self'", f"form-action 'self' {back.scheme}://{back.netloc}")
