"""The prediction route: decided and answered on the event loop, by policy in this process.

Other routes go through FastAPI and its thread pool, which takes longer than all the rest of a prediction. The
same checks stand before it, in the same order: caller, policy, then the body within its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from opentelemetry import trace

from assay.errors import BadRequest
from assay.journal import Kind
from assay.web.caller import calling
from assay.web.routes import PermittedRoute
from services.predictor.hot import Predictions

PATHS: Final = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
LENGTH: Final = "inference-header-content-length"
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


def routes(predictions: Predictions, *, most_bytes: int) -> list[InlineRoute]:
    """Return the routes predictions are asked at."""

    async def infer(request: Request) -> Response:
        caller = calling(request)
        model, version = request.path_params["model"], request.path_params.get("version")
        length = _json_length(request.headers.get(LENGTH))
        encoded = await predictions.infer(
            model, version, await request.body(), length, caller=str(caller.identity)
        )
        if encoded.json_length is None:
            return Response(encoded.content, media_type="application/json")
        headers = {LENGTH: str(encoded.json_length)}
        return Response(encoded.content, headers=headers, media_type="application/octet-stream")

    found = [InlineRoute(path, infer, methods=["POST"]) for path in PATHS]
    for route in found:
        route.permission, route.body_limit = "predictor/infer", most_bytes
        route.kind = Kind.UNJOURNALED  # its receipt is its entry
    return found


def _json_length(header: str | None) -> int | None:
    if header is None:
        return None
    if not header.isascii() or not header.isdecimal():
        raise BadRequest(f"Inference-Header-Content-Length is {header[:40]!r}")
    return int(header)
