"""Joining ingestion's parts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from fastapi import FastAPI

from assay.objects import Objects
from assay.web.app import build_app
from assay.web.parts import Parts
from services.ingestion.adapters.batches import SqlBatches
from services.ingestion.api import intake_routes, reading_routes
from services.ingestion.ports import Expectations
from services.ingestion.settings import IngestionSettings
from services.ingestion.usecases import Ingestion


def build(parts: Parts, settings: IngestionSettings, expectations: Expectations) -> FastAPI:
    """Return the application; the database catches up with the ledger first."""
    batches = SqlBatches(parts.database(), settings.tenant)
    parts.follower.subscribe(batches)
    ingestion = Ingestion(
        tenant=settings.tenant,
        namespace=f"assay://{settings.trust_domain}/{settings.tenant}",
        objects=Objects(settings.objects_url),
        vault=parts.vault,
        ledger=parts.ledger,
        follower=parts.follower,
        expectations=expectations,
        batches=batches,
        clock=lambda: datetime.now(UTC).replace(tzinfo=None),
        pause=time.sleep,
    )
    return build_app(parts, intake_routes(ingestion), reading_routes(ingestion), title="Assay ingestion")
