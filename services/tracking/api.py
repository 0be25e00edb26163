"""Tracking's routes: MLflow's own, those in `allowed`, each with its permission."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from assay.web.caller import Caller, calling
from assay.web.mlflow_shape import NoSuchEndpoint
from assay.web.routes import Routes
from services.tracking.allowed import API, ARTIFACTS, ROUTES, SERVER_INFO, Allowed, Asks
from services.tracking.ports import Answer
from services.tracking.usecases import Front

Calling = Annotated[Caller, Depends(calling)]
JsonBody = Annotated[dict[str, Any], Body()]
MIB = 1024 * 1024
BODY_LIMIT = 16 * MIB
ARTIFACT_LIMIT = 256 * MIB
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(front: Front) -> Routes:
    """Return every reachable route of MLflow over the front."""
    found = Routes()
    for allowed in ROUTES:
        declare = _reading if allowed.method == "GET" else _writing
        declare(found, front, allowed)
    _artifacts(found, front)

    @found.get("/api/3.0/mlflow/server-info", permission="tracking/read")
    def server_info() -> dict[str, Any]:
        return SERVER_INFO

    @found.route("/{anything:path}", permission="tracking/read", methods=VERBS)
    def refuse(anything: str) -> None:
        raise NoSuchEndpoint(f"/{anything[:200]} is not offered here")

    return found


def _reading(found: Routes, front: Front, allowed: Allowed) -> None:
    @found.get(API + allowed.path, permission="tracking/read")
    def read(request: Request) -> Response:
        path = request.url.path.removeprefix(API)
        return _answer(front.read(path, request.query_params.multi_items()))


def _writing(found: Routes, front: Front, allowed: Allowed) -> None:
    permission = "tracking/read" if allowed.asks is Asks.READ else "tracking/write"

    @found.route(API + allowed.path, permission=permission, methods=[allowed.method], body_limit=BODY_LIMIT)
    def write(request: Request, body: JsonBody, caller: Calling) -> Response:
        path = request.url.path.removeprefix(API)
        return _answer(front.post(allowed.method, path, allowed.asks, body, caller))


def _artifacts(found: Routes, front: Front) -> None:
    @found.get(ARTIFACTS, permission="tracking/read")
    def listed(path: str = "") -> Response:
        return _answer(front.list_artifacts(path))

    @found.get(ARTIFACTS + "/{path:path}", permission="tracking/read")
    def fetched(path: str) -> Response:
        return _answer(front.get_artifact(path))

    @found.put(ARTIFACTS + "/{path:path}", permission="tracking/write", body_limit=ARTIFACT_LIMIT)
    async def stored(path: str, request: Request, caller: Calling) -> Response:
        content = await request.body()
        return _answer(await run_in_threadpool(front.put_artifact, path, content, caller))


def _answer(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)
