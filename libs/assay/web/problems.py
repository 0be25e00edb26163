"""Rendering refusals as RFC 9457 problem details, each with its trace id and nothing from inside."""

from __future__ import annotations

import http
import logging
from typing import Final

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assay.errors import BadRequest, Invalid, NotFound, ServiceError, Unavailable, refusal_from
from assay.telemetry import trace_id

MEDIA_TYPE: Final = "application/problem+json"
REFUSAL: Final = "refusal"  # where in a request's state the name of what it was refused with stands
_LOG: Final = logging.getLogger(__name__)
_SHOWN: Final = 5  # validation errors named in a detail


def add_handlers(app: FastAPI) -> None:
    """Render every refusal this application raises."""
    app.add_exception_handler(ServiceError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(httpx.TransportError, _unreachable)


def problem(refusal: ServiceError) -> Response:
    """Return the response of a refusal."""
    return JSONResponse(
        {**refusal.problem(), "trace_id": trace_id()}, status_code=refusal.status, media_type=MEDIA_TYPE
    )


def internal(error: Exception) -> Response:
    """Return a 500 that names the trace and nothing else; what happened goes to the log."""
    _LOG.error("trace %s: unexpected error", trace_id(), exc_info=error)
    return problem(
        refusal_from(
            {
                "title": "InternalError",
                "status": 500,
                "detail": "something unexpected happened here; nothing was decided",
                "fix": "give the trace id to whoever runs this platform",
            }
        )
    )


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        return internal(error)
    if error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("trace %s: %s: %s", trace_id(), type(error).__name__, error.detail)
    return _answer(request, error)


def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return internal(error)
    wrong = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()[:_SHOWN]]
    return _answer(request, Invalid("; ".join(wrong)))


def _plain(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return internal(error)
    if error.status_code == http.HTTPStatus.NOT_FOUND:
        return _answer(request, NotFound("there is nothing at this address"))
    if error.status_code == http.HTTPStatus.BAD_REQUEST:
        return _answer(request, _cause(error) or BadRequest(str(error.detail)))
    status = http.HTTPStatus(error.status_code)
    title = status.phrase.title().replace(" ", "").replace("-", "")
    return _answer(request, refusal_from({"title": title, "status": status.value, "detail": status.phrase}))


def _cause(error: HTTPException) -> ServiceError | None:
    """Return the refusal FastAPI wrapped while it read the body, if that is what happened."""
    return error.__cause__ if isinstance(error.__cause__, ServiceError) else None


def _unreachable(request: Request, error: Exception) -> Response:
    url = error.request.url if isinstance(error, httpx.TransportError) and error._request else request.url  # noqa: SLF001
    _LOG.warning("trace %s: %s: %s", trace_id(), url, error)
    return _answer(
        request, Unavailable(f"another part of the platform did not answer: {type(error).__name__}")
    )


def _answer(request: Request, refusal: ServiceError) -> Response:
    """Render a refusal, and say its name to who looks at the request afterwards."""
    setattr(request.state, REFUSAL, type(refusal).__name__)
    return problem(refusal)
