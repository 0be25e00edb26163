"""Routes that cannot exist without a permission.

A route is authorised before a byte of its body is read: caller from the connection, then policy, then the
body within the route's limit, and JSON without duplicate keys. Only then does the endpoint run.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from opentelemetry import trace
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive

from assay.contracts import SpiffeId, strict_json
from assay.errors import BadRequest, Forbidden, TooLarge
from assay.identity.grants import GrantRoot
from assay.journal import Kind
from assay.policy import Policy
from assay.web.caller import Caller, Followed, caller_of
from assay.web.journaled import EXCHANGE, Exchange

PUBLIC: Final = "public"  # the login exchange and liveness; nothing else
BODY_LIMIT: Final = 8 * 1024 * 1024  # bytes
READING: Final = frozenset({"GET", "HEAD"})
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Named(Protocol):
    """A service's own certificate."""

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whom it names."""


class Edge(Protocol):
    """What a route needs to know who calls and whether they may: `assay.web.parts.Parts`."""

    @property
    def identity(self) -> Named:
        """This service's certificate."""

    @property
    def root(self) -> GrantRoot:
        """The trust root."""

    @property
    def follower(self) -> Followed:
        """Roles and revocations."""

    @property
    def policy(self) -> Policy:
        """Who may do what."""


class Routes:
    """Some routes of a service, each with its permission, e.g. `registry/promote`."""

    def __init__(self, prefix: str = "") -> None:
        self.router = APIRouter(prefix=prefix, route_class=PermittedRoute, redirect_slashes=False)

    def get(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a GET route; for the options see `route`."""
        return self.route(path, permission=permission, methods=["GET"], **options)

    def post(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a POST route."""
        return self.route(path, permission=permission, methods=["POST"], **options)

    def put(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a PUT route."""
        return self.route(path, permission=permission, methods=["PUT"], **options)

    def patch(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a PATCH route."""
        return self.route(path, permission=permission, methods=["PATCH"], **options)

    def delete(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a DELETE route."""
        return self.route(path, permission=permission, methods=["DELETE"], **options)

    def head(self, path: str, *, permission: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401
        """Declare a HEAD route."""
        return self.route(path, permission=permission, methods=["HEAD"], **options)

    def route(
        self,
        path: str,
        *,
        permission: str,
        methods: list[str],
        body_limit: int = BODY_LIMIT,
        kind: Kind | None = None,
        **options: Any,  # noqa: ANN401 - FastAPI's own
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a route; `body_limit` is in bytes, the other options are FastAPI's `add_api_route`'s.

        `kind` says what is journaled of it: GET and HEAD are reads unless it says otherwise, the rest changes.
        """

        def declare(endpoint: Endpoint) -> Endpoint:
            self.router.add_api_route(path, endpoint, methods=methods, **options)
            declared = self.router.routes[-1]
            if isinstance(declared, PermittedRoute):
                declared.permission = permission
                declared.body_limit = body_limit
                declared.kind = kind or (Kind.READ if READING.issuperset(methods) else Kind.CHANGE)
            return endpoint

        return declare


class PermittedRoute(APIRoute):
    """A route that asks who calls and whether they may, before anything else."""

    permission: str = ""
    body_limit: int = BODY_LIMIT
    kind: Kind = Kind.CHANGE

    def get_route_handler(self) -> Handler:
        """See `fastapi.routing.APIRoute`."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            trace.get_current_span().update_name(f"{request.method} {self.path_format}")
            self._journaled(request)
            if self.permission != PUBLIC:
                edge: Edge = request.app.state.edge
                request.state.caller = await run_in_threadpool(self._allowed, edge, request)
            strict = StrictRequest(request.scope, self._limited(request))
            await self._admitted(strict)
            return await inner(strict)

        return handle

    def _journaled(self, request: Request) -> None:
        """Say to the journal, where there is one, what is asked for; raises why nothing may be answered now."""
        exchange = getattr(request.state, EXCHANGE, None)
        if isinstance(exchange, Exchange):
            exchange.enter(self.permission, self.path_format, self.kind, request.path_params)

    async def _admitted(self, request: Request) -> None:
        """Look at the request once more before its endpoint runs; pages check where it was sent from."""

    def _allowed(self, edge: Edge, request: Request) -> Caller:
        """Return the caller when policy says yes."""
        if not self.permission:
            raise Forbidden("this route declares no permission")
        service = edge.identity.spiffe_id
        caller = caller_of(request, edge.root, edge.follower, service=service)
        trace.get_current_span().set_attribute("assay.caller", str(caller))
        resource = {"service": service.segments[-1], "path": dict(request.path_params)}
        edge.policy.require(self.permission, caller, resource)
        if caller.grant is not None and not caller.grant.allows(self.permission):
            raise Forbidden(
                f"the grant does not cover {self.permission}", fix="ask for a grant that names it"
            )
        return caller

    def _limited(self, request: Request) -> Receive:
        limit, seen = self.body_limit, 0
        declared = request.headers.get("content-length", "0")

        async def receive() -> Message:
            nonlocal seen
            if not declared.isdecimal() or int(declared) > limit:
                raise TooLarge(f"the body has {declared[:20]} bytes; {limit} is the limit here")
            message = await request.receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLarge(f"the body is larger than {limit} bytes, the limit here")
            return message

        return receive


class StrictRequest(Request):
    """A request whose JSON must be UTF-8 without duplicate keys, NaN or infinities."""

    async def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the parsed body; raises BadRequest."""
        if not hasattr(self, "_strict"):
            try:
                self._strict = strict_json((await self.body()).decode())
            except UnicodeDecodeError as error:
                raise BadRequest("the body is not UTF-8") from error
        return self._strict
