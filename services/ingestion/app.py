"""Joining ingestion's parts."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from fastapi import FastAPI

from assay.objects import Objects
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.tenants import PerTenant
from services.ingestion.adapters.batches import SqlBatches
from services.ingestion.api import intake_routes, reading_routes
from services.ingestion.ports import Expectations
from services.ingestion.settings import IngestionSettings
from services.ingestion.usecases import Ingestion


def build(parts: Parts, settings: IngestionSettings, expectations: Expectations) -> FastAPI:
    """Return the application; the database catches up with the ledger first."""
    batches = SqlBatches(parts.database())
    parts.follower.subscribe(batches)
    objects = Objects(settings.objects_url)

    def of(tenant: str) -> Ingestion:
        return Ingestion(
            tenant=tenant,
            namespace=f"assay://{settings.trust_domain}/{tenant}",
            objects=objects,
            vault=parts.vault,
            ledger=parts.ledger,
            follower=parts.follower,
            expectations=expectations,
            batches=batches,
            clock=lambda: datetime.now(UTC).replace(tzinfo=None),
            pause=time.sleep,
        )

    tenants = PerTenant(of)
    return build_app(parts, intake_routes(tenants), reading_routes(tenants), title="Assay ingestion")
