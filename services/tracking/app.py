"""Joining tracking's parts, for its two listeners: MLflow's clients and people."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from assay.pages import Sessions, Site, build_pages
from assay.pages.relying import Relying, relying_pages
from assay.pages.signing import sign_out_pages
from assay.pages.tools import tool_files
from assay.web.app import build_app
from assay.web.client import call
from assay.web.mlflow_shape import MlflowShape
from assay.web.parts import Parts
from assay.web.server import Listener
from services.tracking.adapters.mlflow_pages import pages_folder
from services.tracking.adapters.registry import RegistryModels
from services.tracking.api import routes
from services.tracking.ports import Mlflow, Models
from services.tracking.settings import TrackingSettings
from services.tracking.shown import AT
from services.tracking.ui import mlflow_pages, start_pages
from services.tracking.usecases import Front
from services.tracking.viewing import Viewing

IDENTITY_SECONDS = 5.0  # a sign-in waits no longer for who it was
REGISTRY_SECONDS = 30.0


def build(parts: Parts, mlflow: Mlflow) -> FastAPI:
    """Return the service's application; callers have certificates."""
    app = build_app(parts, routes(Front(mlflow, parts.policy)), title="Assay tracking")
    app.add_middleware(MlflowShape)
    return app


def people(parts: Parts, settings: TrackingSettings, mlflow: Mlflow) -> Listener:
    """Return the people listener; people sign in at identity, and models are read at the registry."""
    identity = parts.client("identity", timeout=IDENTITY_SECONDS)
    registry = parts.client("registry", timeout=REGISTRY_SECONDS)
    for http in (identity, registry):
        parts.resources.callback(http.close)
    relying = Relying(
        settings.people_origin, lambda body: call(identity.post("/v1/codes/redeem", json=body)).json()
    )
    site = pages_site(
        settings.tracking_pages_origin,
        idle=settings.session_idle_seconds,
        longest=settings.session_longest_seconds,
    )
    app = pages(parts, site, mlflow, RegistryModels(registry), relying)
    context = parts.identity.server_context(client_certificate=False)
    return Listener("people", app, settings.pages_port, context)


def pages_site(origin: str, *, idle: float, longest: float) -> Site:
    """Return the site of the people listener; durations in seconds."""
    return Site(
        service="tracking",
        title="Tracking",
        origin=origin,
        templates=Path(__file__).parent / "templates",
        sessions=Sessions(idle_seconds=idle, longest_seconds=longest),
    )


def pages(parts: Parts, site: Site, mlflow: Mlflow, models: Models, relying: Relying) -> FastAPI:
    """Return the application of the people listener: MLflow's pages, read-only, for who signed in with a passkey."""
    folder = pages_folder()
    app = build_pages(
        parts,
        site,
        sign_out_pages(),
        relying_pages(site, relying),
        start_pages((folder / "index.html").read_bytes()),
        tool_files(f"{AT}/static-files", folder),
        mlflow_pages(Viewing(Front(mlflow, parts.policy), mlflow, models)),
    )
    app.add_middleware(MlflowShape, prefix=f"{AT}/")
    return app
