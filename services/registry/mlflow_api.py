"""MLflow's registered-model routes, for unchanged clients: what they read here; what they write is `mlflow_writes`.

A version's artifacts are its package, by content address; nothing mutable is ever served under `models:/`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from assay.contracts import body_of
from assay.contracts.bodies import Version
from assay.custody.errors import ChainRevoked
from assay.errors import BadRequest
from assay.journal import Kind
from assay.web.caller import Caller, calling
from assay.web.mlflow_shape import NoSuchEndpoint
from assay.web.routes import Routes
from services.registry.domain import heard_alias
from services.registry.errors import UnknownAlias, UnknownPackage
from services.registry.mlflow_views import Shown
from services.registry.mlflow_writes import MODELS, VERSIONS, mlflow_writes, number_of
from services.registry.naming import Naming
from services.registry.releasing import require_release
from services.registry.searching import Searching
from services.registry.usecases import Registry

READ: Final = "registry/read"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
FOLDER: Final = "packages/sha256-"
EVERY_METHOD: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SERVER_INFO: Final = {
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
}
ELSEWHERE: Final = "tracking answers runs and experiments; the registry answers registered models"
By = Annotated[Caller, Depends(calling)]
Orders = Annotated[list[str], Query()]


def mlflow_routes(registry: Registry, naming: Naming, shown: Shown, searching: Searching) -> Routes:
    """Return the routes an MLflow client calls with MLFLOW_REGISTRY_URI here."""
    api = Routes()
    _model_routes(api, shown, searching)
    _version_routes(api, registry, shown, searching)
    _artifact_routes(api, registry)
    mlflow_writes(api, naming, shown)

    @api.route("/api/{rest:path}", permission=READ, methods=EVERY_METHOD)
    def unknown(rest: str) -> None:
        raise NoSuchEndpoint(f"/api/{rest[:200]} is not answered here", fix=ELSEWHERE)

    return api


def _model_routes(api: Routes, shown: Shown, searching: Searching) -> None:
    @api.get("/api/3.0/mlflow/server-info", permission=READ)
    def server_info() -> dict[str, Any]:
        return SERVER_INFO

    @api.get(f"{MODELS}/get", permission=READ)
    def model(name: str) -> dict[str, Any]:
        return {"registered_model": shown.model(name)}

    @api.get(f"{MODELS}/search", permission=READ)
    def models(
        filter: str | None = None,  # noqa: A002 - MLflow's name
        max_results: int = 100,
        order_by: Orders = [],  # noqa: B006 - FastAPI copies it
        page_token: str | None = None,
    ) -> JSONResponse:
        found, token = searching.models(filter, order_by, max_results, page_token)
        return JSONResponse({"registered_models": found, "next_page_token": token})

    @api.get(f"{MODELS}/alias", permission=READ)
    def by_alias(name: str, alias: str) -> dict[str, Any]:
        try:
            return {"model_version": shown.by_alias(name, *heard_alias(alias))}
        except UnknownAlias as error:
            raise BadRequest(f"Registered model alias {alias[:63]} not found.", fix=error.fix) from error

    @api.route(f"{MODELS}/get-latest-versions", permission=READ, methods=["GET", "POST"], kind=Kind.READ)
    async def latest(request: Request, name: str | None = None) -> dict[str, Any]:
        said = {"name": name} if request.method == "GET" else await request.json()
        wanted = said.get("name") if isinstance(said, dict) else None
        return {"model_versions": shown.model(str(wanted))["latest_versions"]}


def _version_routes(api: Routes, registry: Registry, shown: Shown, searching: Searching) -> None:
    @api.get(f"{VERSIONS}/get", permission=READ)
    def version(name: str, version: str) -> dict[str, Any]:
        return {"model_version": shown.version(name, number_of(name, version))}

    @api.get(f"{VERSIONS}/search", permission=READ)
    def versions(
        filter: str | None = None,  # noqa: A002 - MLflow's name
        max_results: int = 100,
        order_by: Orders = [],  # noqa: B006 - FastAPI copies it
        page_token: str | None = None,
    ) -> JSONResponse:
        found, token = searching.versions(filter, order_by, max_results, page_token)
        return JSONResponse({"model_versions": found, "next_page_token": token})

    @api.get(f"{VERSIONS}/get-download-uri", permission=READ)
    def download_uri(name: str, version: str, request: Request) -> dict[str, str]:
        record = registry.believed.version(name, number_of(name, version))
        if said := registry.log.revoked(record.digest):
            raise ChainRevoked(f"{name} v{version} was revoked: {said.reason}")
        package = body_of(record.fact, Version).package
        return {"artifact_uri": f"mlflow-artifacts://{request.url.netloc}/{FOLDER}{package}"}


def _artifact_routes(api: Routes, registry: Registry) -> None:
    @api.get(ARTIFACTS, permission="registry/read-package")
    def listing(path: str = "") -> dict[str, Any]:
        package, below = _package(registry, path)
        return {"files": _listed(registry, package, below)}

    @api.get(f"{ARTIFACTS}/{{path:path}}", permission="registry/read-package")
    def artifact(path: str, by: By) -> Response:
        package, file = _package(registry, path)
        require_release(registry, package, by)
        return Response(registry.packages.file(package, file), media_type="application/octet-stream")


def _package(registry: Registry, path: str) -> tuple[str, str]:
    """Return the registered package a path names, and the rest of the path."""
    if not path.startswith(FOLDER):
        raise UnknownPackage(f"only packages are served here, as {FOLDER}<digest>")
    package, _, rest = path.removeprefix(FOLDER).partition("/")
    registry.of_package(package)
    return package, rest.strip("/")


def _listed(registry: Registry, package: str, below: str) -> list[dict[str, Any]]:
    """Return one folder's entries, as MLflow lists artifacts."""
    found: dict[str, dict[str, Any]] = {}
    for entry in registry.packages.manifest(package):
        if below and not entry["path"].startswith(f"{below}/"):
            continue
        head, _, tail = entry["path"].removeprefix(f"{below}/" if below else "").partition("/")
        size = {} if tail else {"file_size": entry["size"]}
        found[head] = {"path": head, "is_dir": bool(tail), **size}
    return [found[name] for name in sorted(found)]
