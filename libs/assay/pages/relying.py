"""Signing in at another service's pages: identity says who it was, by code and PKCE; no passkey is used here.

`/sign-in` sends the browser to identity with a fresh state and challenge, which wait in a cookie of this browser
alone; `/signed-in` takes the code back, redeems it over mutual TLS and begins a session of this service's own, with
the grant that signing in there lends to this service, where it lends one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlencode

from fastapi import Request, Response

from assay.contracts import PersonId
from assay.identity import base64url
from assay.pages.errors import SignInFailed
from assay.pages.render import local_path, redirect
from assay.pages.routes import PageRoutes
from assay.pages.signing import signed_in
from assay.web.routes import PUBLIC

if TYPE_CHECKING:
    from assay.pages.render import Site

FLOW_SECONDS: Final = 600


@dataclass(frozen=True)
class Relying:
    """Where people sign in (`identity`, an origin), and how this service redeems a code there.

    `redeem(body)` posts to identity's `/v1/codes/redeem` with this service's certificate and returns its answer:
    with parts, `lambda body: call(http.post("/v1/codes/redeem", json=body)).json()`.
    """

    identity: str
    redeem: Callable[[dict[str, Any]], dict[str, Any]]


def relying_pages(site: Site, relying: Relying) -> PageRoutes:
    """Return `/sign-in` and `/signed-in` of a service that lets identity sign people in."""
    pages = PageRoutes()
    returns_to = f"{site.origin}/signed-in"
    cookie = f"{site.cookie}-flow"

    @pages.get("/sign-in", permission=PUBLIC)
    def ask(next: str = "/") -> Response:  # noqa: A002 - the query's own word
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        asked = {
            "client": site.service,
            "redirect_uri": returns_to,
            "code_challenge": base64url.encode(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "state": state,
        }
        response = redirect(f"{relying.identity}/authorize?{urlencode(asked)}")
        flow = f"{state}.{verifier}.{quote(local_path(next), safe='')}"
        response.set_cookie(cookie, flow, FLOW_SECONDS, secure=True, httponly=True, samesite="lax")
        return response

    @pages.get("/signed-in", permission=PUBLIC)
    def back(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
        flow = request.cookies.get(cookie, "").split(".")
        if len(flow) != 3 or not hmac.compare_digest(flow[0].encode(), state.encode()):  # noqa: PLR2004 - as set above
            raise SignInFailed("this browser did not ask to sign in")
        if error or not code:
            raise SignInFailed("identity sent nobody back")
        said = relying.redeem({"code": code, "verifier": flow[1], "redirect_uri": returns_to})
        response = signed_in(
            request,
            PersonId(str(said["person"])),
            str(said["credential_id"]),
            go_on=unquote(flow[2]),
            authenticated_at=float(said["authenticated_at"]),
            grant=str(said.get("grant", "")),
        )
        response.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="lax")
        return response

    return pages
