"""Tracking's routes: MLflow's own, those in `allowed`, each with its permission.

What MLflow is asked is made from the declared route and checked ids, never from the address a client wrote.
Artifacts go through files: neither direction holds one in memory.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Annotated, Any, Final

from fastapi import Body, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from assay.journal import Kind
from assay.web.caller import Caller, calling
from assay.web.mlflow_shape import NoSuchEndpoint
from assay.web.routes import Routes
from services.tracking.allowed import API, ARTIFACTS, ROUTES, SERVER_INFO, Allowed
from services.tracking.answering import answered, as_file, logged_model
from services.tracking.usecases import Front

Calling = Annotated[Caller, Depends(calling)]
JsonBody = Annotated[dict[str, Any], Body()]
MIB: Final = 1024 * 1024
BODY_LIMIT: Final = 16 * MIB
ARTIFACT_LIMIT: Final = 256 * MIB
VERBS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def routes(front: Front) -> Routes:
    """Return every reachable route of MLflow over the front."""
    found = Routes()
    for allowed in ROUTES:
        declare = _reading if allowed.method == "GET" else _sending
        declare(found, front, allowed)
    _artifacts(found, front)

    @found.get("/api/3.0/mlflow/server-info", permission="tracking/read")
    def server_info() -> dict[str, Any]:
        return SERVER_INFO

    @found.route("/{anything:path}", permission="tracking/read", methods=VERBS)
    def refuse(anything: str) -> None:
        fix = "tracking answers for experiments, runs, logged models and artifacts, to clients of MLflow 3"
        raise NoSuchEndpoint(f"/{anything[:200]} is not offered here", fix=fix)

    return found


def _reading(found: Routes, front: Front, allowed: Allowed) -> None:
    @found.get(API + allowed.path, permission="tracking/read")
    def read(request: Request, caller: Calling) -> Response:
        return answered(
            front.read(allowed, request.query_params.multi_items(), caller, logged_model(request))
        )


def _sending(found: Routes, front: Front, allowed: Allowed) -> None:
    permission, kind = ("tracking/read", Kind.READ) if allowed.asks.reads else ("tracking/write", Kind.CHANGE)

    @found.route(
        API + allowed.path,
        permission=permission,
        methods=[allowed.method],
        kind=kind,
        body_limit=BODY_LIMIT,
    )
    def send(request: Request, body: JsonBody, caller: Calling) -> Response:
        return answered(front.send(allowed, body, caller, logged_model(request)))


def _artifacts(found: Routes, front: Front) -> None:
    @found.get(ARTIFACTS, permission="tracking/read")
    def listed(caller: Calling, path: str = "") -> Response:
        return answered(front.list_artifacts(path, caller))

    @found.get(ARTIFACTS + "/{path:path}", permission="tracking/read")
    def fetched(path: str, caller: Calling) -> Response:
        return as_file(lambda file: front.get_artifact(path, file, caller), {})

    @found.put(ARTIFACTS + "/{path:path}", permission="tracking/write", body_limit=ARTIFACT_LIMIT)
    async def stored(path: str, request: Request, caller: Calling) -> Response:
        await run_in_threadpool(front.may_put, path, caller)
        with TemporaryFile() as file:
            async for chunk in request.stream():
                file.write(chunk)
            file.seek(0)
            return answered(await run_in_threadpool(front.put_artifact, path, file, caller))
