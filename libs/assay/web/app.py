"""Building a service's application: its routes behind identity, policy, limits, traces and plain refusals."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol

from fastapi import FastAPI, Response
from fastapi.routing import iter_route_contexts
from opentelemetry.trace import SpanKind, Tracer
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.journal import Journaling
from assay.telemetry import extracted
from assay.web.journal_routes import journal_routes
from assay.web.journaled import Journaled
from assay.web.problems import add_handlers, internal
from assay.web.routes import Edge, PermittedRoute, Routes

_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class TracedEdge(Edge, Protocol):
    """What an application needs of its service's parts."""

    @property
    def tracer(self) -> Tracer:
        """The process's tracer."""


class RouteWithoutPermission(RuntimeError):
    """A route declares no permission: the service does not start."""


def build_app(parts: TracedEdge, *routers: Routes, title: str, shows_journal: bool = True) -> FastAPI:
    """Return the application of these routes, and of the service's journal where its parts have one.

    Every request: certificate -> caller -> `policy.require(permission, caller, {"service", "path"})` -> body ->
    journal -> answer. A listener of people or logins journals too and does not show the journal.

    Raises:
        RouteWithoutPermission: now, and at start-up for what was added in between.
    """
    app = FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_checked_at_start,
    )
    app.state.edge = parts
    journaling: Journaling | None = getattr(parts, "journaling", None)
    if journaling is not None and shows_journal:
        app.include_router(journal_routes(journaling).router)  # first: some services end with a catch-all
    for router in routers:
        app.include_router(router.router)
    add_handlers(app)
    if journaling is not None:
        app.add_middleware(Journaled, journaling=journaling)
    app.add_middleware(Outermost, tracer=parts.tracer)
    refuse_undeclared(app.routes)
    return app


def refuse_undeclared(routes: Iterable[BaseRoute]) -> None:
    """Return when every route, those of mounted applications too, declares a permission."""
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if isinstance(route, Mount) and route.routes:
            refuse_undeclared(route.routes)
        elif not isinstance(route, PermittedRoute) or not route.permission:
            raise RouteWithoutPermission(f"{getattr(route, 'path', route)} declares no permission")


@contextlib.asynccontextmanager
async def _checked_at_start(app: FastAPI) -> AsyncIterator[None]:
    refuse_undeclared(app.routes)
    yield


class Outermost:
    """One span per request, headers that make browsers harmless, and no exception that leaves."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; web sockets are not spoken here."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        with self._tracer.start_as_current_span(
            scope["method"],
            extracted(Headers(scope=scope)),
            SpanKind.SERVER,
            {"http.request.method": scope["method"]},
        ) as span:

            async def send_on(message: Message) -> None:
                nonlocal started
                if message["type"] == "http.response.start":
                    started = True
                    span.set_attribute("http.response.status_code", message["status"])
                    _harden(message)
                await send(message)

            try:
                await self._app(scope, receive, send_on)
            except Exception as error:  # the process's edge: what happened is logged, never sent
                answer: Response = internal(error)
                if started:
                    raise
                await answer(scope, receive, send_on)


def _harden(message: dict[str, Any] | Message) -> None:
    headers = MutableHeaders(raw=message["headers"])
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    message["headers"] = headers.raw
