"""Our refusals in MLflow's words: under `/api/`, problem details also carry `error_code` and `message`.

MLflow's clients show the message and keep every other member (`rule`, `fix`, …) in `RestException.json`. They
retry 408, 429 and 5xx for minutes, so what is down says when to come back.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.errors import Conflict, NotFound

PREFIX: Final = "/api/"
PROBLEM: Final = "application/problem+json"
_CODES: Final = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "ENDPOINT_NOT_FOUND",
    409: "RESOURCE_CONFLICT",
    413: "INVALID_PARAMETER_VALUE",
    422: "INVALID_PARAMETER_VALUE",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class NoSuchEndpoint(NotFound):
    """MLflow knows such a route, and this service does not answer it."""

    fix = "MLFLOW_TRACKING_URI answers runs and experiments, MLFLOW_REGISTRY_URI registered models"


class ResourceAlreadyExists(Conflict):
    """MLflow's client asks for something new that is there: it goes on with what is there."""


_TITLES: Final = {
    NoSuchEndpoint.__name__: "ENDPOINT_NOT_FOUND",
    ResourceAlreadyExists.__name__: "RESOURCE_ALREADY_EXISTS",
}


class MlflowShape:
    """ASGI middleware: gives refusals under a prefix (`/api/`) the members MLflow's clients and pages read."""

    def __init__(self, app: ASGIApp, prefix: str = PREFIX) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["path"].startswith(self._prefix):
            await self._app(scope, receive, _Reshaped(send))
        else:
            await self._app(scope, receive, send)


class _Reshaped:
    """Holds a refusal back until it is whole, and sends everything else on at once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith(PROBLEM):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._refuse(self._start)
            return
        await self._send(message)

    async def _refuse(self, start: Message) -> None:
        body = json.dumps(_in_mlflows_words(json.loads(self._body), start["status"])).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-type"], headers["content-length"] = "application/json", str(len(body))
        if start["status"] == 503:  # noqa: PLR2004 - Service Unavailable
            headers["retry-after"] = "1"
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _in_mlflows_words(problem: dict[str, Any], status: int) -> dict[str, Any]:
    code = _CODES.get(status, "INTERNAL_ERROR")
    code = _TITLES.get(str(problem.get("title")), code)
    return {"error_code": code, "message": f"{problem.get('detail')}; {problem.get('fix')}", **problem}
