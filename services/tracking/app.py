"""Joining tracking's parts."""

from __future__ import annotations

from fastapi import FastAPI

from assay.web.app import build_app
from assay.web.mlflow_shape import MlflowShape
from assay.web.parts import Parts
from services.tracking.api import routes
from services.tracking.ports import Mlflow
from services.tracking.usecases import Front


def build(parts: Parts, mlflow: Mlflow) -> FastAPI:
    """Return the application."""
    app = build_app(parts, routes(Front(mlflow, parts.policy)), title="Assay tracking")
    app.add_middleware(MlflowShape)
    return app
