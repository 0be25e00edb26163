"""MLflow's own pages, read-only, for somebody who signed in; the routes are those of `shown`.

The pages are MLflow's files, unchanged. What their scripts ask for is answered for the session's person; an
artifact leaves here as a file to keep, never as a document to show.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Body, Depends, Request, Response
from fastapi.responses import JSONResponse

from assay.pages import PageRoutes, Session, page, redirect, session_of
from assay.pages.tools import ToolRoutes
from assay.web.caller import Caller, calling
from services.tracking.allowed import SERVER_INFO, Allowed
from services.tracking.answering import answered, as_file, logged_model
from services.tracking.errors import NotShown, PagesOnlyRead
from services.tracking.ports import Answer
from services.tracking.shown import (
    AJAX,
    AT,
    MODEL_FILE,
    MODELS,
    NO_GATEWAY,
    POLICY,
    RUN_FILE,
    SHOWN,
    VERSION_FILE,
)
from services.tracking.viewing import Viewing

By = Annotated[Caller, Depends(calling)]
Mine = Annotated[Session, Depends(session_of)]
JsonBody = Annotated[dict[str, Any], Body()]
READ: Final = "tracking/read"
VERBS: Final = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
TO_KEEP: Final = {"content-disposition": "attachment", "content-security-policy": "sandbox"}


def start_pages(index: bytes) -> PageRoutes:
    """Return our own first page, and MLflow's document, `index`, in the folder it is shown in."""
    pages = PageRoutes()

    @pages.get("/", permission=READ)
    def start(request: Request) -> Response:
        return page(request, "start.html", there=f"{AT}/")

    @pages.get(AT, permission=READ)
    def folder() -> Response:
        return redirect(f"{AT}/")

    @pages.get(f"{AT}/", permission=READ)
    def document() -> Response:
        return Response(index, media_type="text/html", headers={"content-security-policy": POLICY})

    return pages


def mlflow_pages(viewing: Viewing) -> ToolRoutes:
    """Return what the scripts of MLflow's pages may ask for; everything else they ask is refused by name."""
    found = ToolRoutes(AT)
    for allowed in SHOWN:
        declare = _reading if allowed.method == "GET" else _searching
        declare(found, viewing, allowed)
    _files(found, viewing)
    _models(found, viewing)

    @found.get("/ajax-api/3.0/mlflow/server-info", permission=READ)
    def server_info() -> JSONResponse:
        return JSONResponse(SERVER_INFO)

    @found.get(f"{AJAX}/gateway-proxy", permission=READ)
    def gateway() -> JSONResponse:
        return JSONResponse(NO_GATEWAY)

    @found.post("/graphql", permission=READ)
    def query(body: JsonBody, by: By, mine: Mine) -> Response:
        said = viewing.query(body, by, mine.grant)
        return answered(said) if isinstance(said, Answer) else JSONResponse(said)

    @found.get("/{anything:path}", permission=READ)
    def not_shown(anything: str) -> None:
        raise NotShown(f"{AT}/{anything[:200]} is not shown here")

    @found.route("/{anything:path}", permission=READ, methods=VERBS)
    def only_read(anything: str) -> None:
        raise PagesOnlyRead(f"MLflow's pages are read-only here: {AT}/{anything[:200]} is not answered")

    return found


def _reading(found: ToolRoutes, viewing: Viewing, allowed: Allowed) -> None:
    @found.get(AJAX + allowed.path, permission=READ)
    def read(request: Request, by: By) -> Response:
        return answered(
            viewing.front.read(allowed, request.query_params.multi_items(), by, logged_model(request))
        )


def _searching(found: ToolRoutes, viewing: Viewing, allowed: Allowed) -> None:
    @found.post(AJAX + allowed.path, permission=READ)
    def search(body: JsonBody, by: By) -> Response:
        return answered(viewing.front.send(allowed, body, by))


def _files(found: ToolRoutes, viewing: Viewing) -> None:
    @found.get(RUN_FILE.path, permission=READ)
    def of_a_run(request: Request, by: By) -> Response:
        said = request.query_params.multi_items()
        return as_file(lambda file: viewing.front.read_file(RUN_FILE, said, file, by), TO_KEEP)

    @found.get(AJAX + MODEL_FILE.path, permission=READ)
    def of_a_logged_model(request: Request, by: By) -> Response:
        said, model = request.query_params.multi_items(), logged_model(request)
        return as_file(lambda file: viewing.front.read_file(MODEL_FILE, said, file, by, model), TO_KEEP)


def _models(found: ToolRoutes, viewing: Viewing) -> None:
    for path in MODELS:
        _looking_up(found, viewing, path)

    @found.get(VERSION_FILE, permission="registry/read-package")
    def of_a_version(request: Request, mine: Mine) -> Response:
        said = request.query_params.multi_items()
        return as_file(lambda file: viewing.version_file(said, file, mine.grant), TO_KEEP)


def _looking_up(found: ToolRoutes, viewing: Viewing, path: str) -> None:
    @found.get(AJAX + path, permission="registry/read")
    def look_up(request: Request, mine: Mine) -> JSONResponse:
        return JSONResponse(viewing.models(path, request.query_params.multi_items(), mine.grant))
