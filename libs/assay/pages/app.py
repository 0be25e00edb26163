"""Building a people listener's application: pages only, hardened headers, refusals as pages."""

from __future__ import annotations

import logging
from typing import Final

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.errors import BadRequest, Invalid, NotFound, ServiceError, Unavailable, refusal_from
from assay.pages.errors import SignInNeeded
from assay.pages.render import STATIC, Site, page, redirect, sign_in_path, static_file, static_path
from assay.pages.routes import PageRoute, PageRoutes
from assay.pages.tools import SCRIPTED
from assay.telemetry import trace_id
from assay.web.app import TracedEdge, build_app
from assay.web.problems import problem
from assay.web.routes import PUBLIC

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # With `no-referrer` browsers send `Origin: null`, and our own forms would be refused.
    "referrer-policy": "same-origin",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), "
    "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
UNEXPECTED: Final = {
    "title": "InternalError",
    "status": 500,
    "detail": "something unexpected happened here; nothing was decided",
    "fix": "give the trace id to whoever runs this platform",
}
_LOG: Final = logging.getLogger(__name__)


class NotAPage(RuntimeError):
    """A route of a service stands on a people listener: it does not start."""


def build_pages(parts: TracedEdge, site: Site, *pages: PageRoutes) -> FastAPI:
    """Return the application of these pages.

    Raises:
        NotAPage: a route is for services, and would take its caller from a certificate.
        RouteWithoutPermission: see `build_app`.
    """
    for each in pages:
        for route in each.router.routes:
            if not isinstance(route, PageRoute):
                raise NotAPage(f"{getattr(route, 'path', route)} is no page")
    app = build_app(parts, _static_pages(), *pages, title=f"{site.title} pages", shows_journal=False)
    app.state.site = site
    for kind in (ServiceError, RequestValidationError, HTTPException, httpx.TransportError):
        app.add_exception_handler(kind, _refused)
    app.user_middleware.append(Middleware(_Hardened))  # innermost: a page may bring a stricter policy
    return app


class _Hardened:
    """The headers of pages, and an unexpected error as a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:  # the process's edge: what happened is logged, never sent
            if scope["type"] != "http" or started:
                raise
            await _refused(Request(scope), error)(scope, receive, send_on)


def _refused(request: Request, error: Exception) -> Response:
    """Render a refusal: a page, or problem details for a script; who must sign in is sent there first."""
    refusal = _refusal(error)
    if getattr(request.state, SCRIPTED, False):
        return problem(refusal)
    if isinstance(refusal, SignInNeeded) and request.method == "GET":
        return redirect(sign_in_path(request))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({**refusal.problem(), "trace_id": trace_id()}, status_code=refusal.status)
    return page(request, "error.html", status=refusal.status, refusal=refusal, trace=trace_id())


def _refusal(error: Exception) -> ServiceError:
    refusal: ServiceError
    match error:
        case ServiceError():
            refusal = error
        case RequestValidationError():
            wrong = [f"{each['loc'][-1]}: {each['msg']}" for each in error.errors()[:5]]
            refusal = Invalid("; ".join(wrong))
        case HTTPException(__cause__=ServiceError() as cause):
            refusal = cause
        case HTTPException(status_code=404 | 405):
            refusal = NotFound("there is no such page", fix="start from the first page")
        case HTTPException():
            refusal = BadRequest(str(error.detail))
        case httpx.TransportError():
            refusal = Unavailable(f"another part of the platform did not answer: {type(error).__name__}")
        case _:
            refusal = refusal_from(UNEXPECTED)
    if refusal.status >= 500:  # noqa: PLR2004 - HTTP's
        _LOG.error("trace %s: %s", trace_id(), refusal.detail, exc_info=error)
    return refusal


def _static_pages() -> PageRoutes:
    """Return the shared style sheet, script and icon: public, and kept by browsers under their digest."""
    pages = PageRoutes("/static")

    @pages.get("/{digest}/{name}", permission=PUBLIC)
    def static(digest: str, name: str) -> Response:
        if name not in STATIC or static_path(name) != f"/static/{digest}/{name}":
            raise NotFound("there is no such file", fix="open the page again")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(static_file(name), media_type=STATIC[name], headers=headers)

    return pages
