"""The prediction route: decided and answered on the event loop, by policy in this process.

FastAPI and its thread pool take longer than all the rest of a prediction: see `assay.web.inline`.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from assay.errors import BadRequest
from assay.journal import Kind
from assay.web.caller import calling
from assay.web.inline import InlineRoute
from services.predictor.hot import Predictions

PATHS: Final = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
LENGTH: Final = "inference-header-content-length"


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
