"""Joining features' parts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from fastapi import FastAPI

from assay.objects import Objects
from assay.web.app import build_app
from assay.web.parts import Parts
from services.features.adapters.ingestion import IngestionSnapshots
from services.features.adapters.split_index import SqlSplitIndex
from services.features.api import routes
from services.features.ports import PointInTime
from services.features.settings import FeatureSettings
from services.features.usecases import Features

INGESTION_SECONDS = 120


def build(parts: Parts, settings: FeatureSettings, views: PointInTime) -> FastAPI:
    """Return the application; the database catches up with the ledger first."""
    index = SqlSplitIndex(parts.database(), settings.tenant)
    parts.follower.subscribe(index)
    features = Features(
        tenant=settings.tenant,
        objects=Objects(settings.objects_url),
        vault=parts.vault,
        ledger=parts.ledger,
        follower=parts.follower,
        root=parts.root,
        engine=views,
        snapshots=IngestionSnapshots(lambda: parts.client("ingestion", timeout=INGESTION_SECONDS)),
        index=index,
        clock=lambda: datetime.now(UTC).replace(tzinfo=None),
        now=time.time,
    )
    return build_app(parts, routes(features), title="Assay features")
