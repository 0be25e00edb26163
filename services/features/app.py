"""Joining features' parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI

from assay.objects import Objects
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.tenants import PerTenant
from services.features.adapters.ingestion import IngestionSnapshots
from services.features.adapters.split_index import SqlSplitIndex
from services.features.api import routes
from services.features.ports import PointInTime
from services.features.settings import FeatureSettings
from services.features.usecases import Features

INGESTION_SECONDS = 120


def build(parts: Parts, settings: FeatureSettings, views: Callable[[str], PointInTime]) -> FastAPI:
    """Return the application; the database catches up with the ledger first. `views` gives a tenant's engine."""
    index = SqlSplitIndex(parts.database())
    parts.follower.subscribe(index)
    objects = Objects(settings.objects_url)
    snapshots = IngestionSnapshots(lambda: parts.client("ingestion", timeout=INGESTION_SECONDS))

    def of(tenant: str) -> Features:
        return Features(
            tenant=tenant,
            objects=objects,
            vault=parts.vault,
            ledger=parts.ledger,
            follower=parts.follower,
            root=parts.root,
            engine=views(tenant),
            snapshots=snapshots,
            index=index,
            policy=parts.policy,
            region=settings.region,
            clock=lambda: datetime.now(UTC).replace(tzinfo=None),
            now=time.time,
        )

    return build_app(parts, routes(PerTenant(of)), title="Assay features")
