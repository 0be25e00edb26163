"""Joining the registry's parts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from fastapi import FastAPI

from assay.custody import inspect
from assay.objects import Objects
from assay.web.app import build_app
from assay.web.mlflow_shape import MlflowShape
from assay.web.parts import Parts
from services.registry.adapters.cyclonedx import CycloneDxBoms
from services.registry.adapters.tables import SqlShelf
from services.registry.adapters.training import TrainingRuns
from services.registry.api import (
    deciding_routes,
    evidence_routes,
    package_routes,
    promoting_routes,
    version_routes,
)
from services.registry.believing import Believed
from services.registry.deciding import Deciding
from services.registry.evidence.stating import Stating
from services.registry.mlflow_api import mlflow_routes
from services.registry.packages import Packages
from services.registry.ports import Runs
from services.registry.registering import Registering
from services.registry.settings import RegistrySettings
from services.registry.usecases import Registry


def build(parts: Parts, settings: RegistrySettings, runs: Runs | None = None) -> FastAPI:
    """Return the application; the database catches up with the ledger first."""
    shelf = SqlShelf(parts.database(), settings.tenant)
    parts.follower.subscribe(shelf)
    objects = Objects(settings.objects_url)
    registry = Registry(
        tenant=settings.tenant,
        root=parts.root,
        ledger=parts.ledger,
        log=parts.follower,
        policy=parts.policy,
        packages=Packages(objects),
        believed=Believed(shelf, parts.follower, settings.tenant),
        now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        now_ns=time.time_ns,
    )
    fetched = runs or TrainingRuns(parts.client("training", timeout=settings.training_timeout_seconds))
    registering = Registering(registry, fetched, parts.vault, inspect)
    stating = Stating(registry, CycloneDxBoms())
    deciding = Deciding(registry, objects, settings.approval_days)
    app = build_app(
        parts,
        version_routes(registry, registering, stating),
        evidence_routes(stating),
        promoting_routes(registry),
        package_routes(registry),
        deciding_routes(deciding),
        mlflow_routes(registry),
        title="Assay registry",
    )
    app.add_middleware(MlflowShape)
    return app
