"""The append route: decided on the event loop, so that any number of appends may wait for one commit.

Other routes go through FastAPI and its thread pool, which takes longer than the commit. The same checks stand before
it, in the same order: caller, policy (in memory: the root decides appends), then the body within its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from opentelemetry import trace

from assay.journal import Kind
from assay.web.caller import calling
from assay.web.routes import PermittedRoute
from services.ledger.log import LARGEST_ENTRY
from services.ledger.usecases import LedgerUses

PATH: Final = "/v1/facts"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class InlineRoute(PermittedRoute):
    """A permitted route that is decided on the event loop."""

    def get_route_handler(self) -> Handler:
        """See `fastapi.routing.APIRoute`."""

        async def handle(request: Request) -> Response:
            trace.get_current_span().update_name(f"{request.method} {self.path_format}")
            self._journaled(request)
            request.state.caller = self._allowed(request.app.state.edge, request)
            answer: Response = await self.endpoint(Request(request.scope, self._limited(request)))
            return answer

        return handle


def routes(ledger: LedgerUses) -> list[InlineRoute]:
    """Return the route facts are appended at."""

    async def append(request: Request) -> Response:
        done = await ledger.append(await request.body(), calling(request).identity)
        said = {"index": done.index, "digest": done.digest, "repeated": done.repeated}
        return JSONResponse(said, status_code=200 if done.repeated else 201)

    route = InlineRoute(PATH, append, methods=["POST"])
    route.permission, route.body_limit = "ledger/append", 2 * LARGEST_ENTRY
    route.kind = Kind.UNJOURNALED  # the fact is the entry
    return [route]
