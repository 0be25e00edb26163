"""Routes that are decided and answered on the event loop.

Other routes go through FastAPI and its thread pool, which takes longer than an append or a prediction. The same
checks stand before these, in the same order: caller, policy (which must decide in memory), then the body within its
limit. Their endpoints take the request as it is and must not block.
"""

from __future__ import annotations

from fastapi import Request, Response
from opentelemetry import trace

from assay.web.routes import Handler, PermittedRoute


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
