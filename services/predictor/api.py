"""The predictor's routes: Open Inference Protocol v2, receipts, and the state serving asks for."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from assay.journal import Journal, Kind
from assay.web.routes import Routes
from services.predictor.endpoint import Endpoint
from services.predictor.errors import NotLandedYet
from services.predictor.hot import Predictions
from services.predictor.receipts import landed

MODEL_PATH: Final = "/v2/models/{model}"
VERSION_PATH: Final = MODEL_PATH + "/versions/{version}"
LANDING_SECONDS: Final = 2.0
LANDING_PAUSE: Final = 0.1
NAME: Final = "assay-predictor"
VERSION: Final = "2"


def routes(predictions: Predictions, endpoint: Endpoint, journal: Journal) -> Routes:
    """Return the predictor's routes; predictions themselves are `inline`."""
    found = Routes()
    _health(found, predictions)
    _metadata(found, predictions)
    _own(found, endpoint, journal)
    return found


def _health(found: Routes, predictions: Predictions) -> None:
    @found.get("/v2/health/live", permission="predictor/health", kind=Kind.UNJOURNALED)
    async def live() -> dict[str, bool]:
        return {"live": True}

    @found.get("/v2/health/ready", permission="predictor/health", kind=Kind.UNJOURNALED)
    async def ready() -> dict[str, bool]:
        predictions.require_answering()
        return {"ready": True}

    @found.get(VERSION_PATH + "/ready", permission="predictor/health", kind=Kind.UNJOURNALED)
    @found.get(MODEL_PATH + "/ready", permission="predictor/health", kind=Kind.UNJOURNALED)
    async def model_ready(model: str, version: str | None = None) -> dict[str, Any]:
        wire, answering = predictions.require_answering(model, version)
        return wire.ready(answering)


def _metadata(found: Routes, predictions: Predictions) -> None:
    @found.get("/v2", permission="predictor/metadata")
    async def server() -> dict[str, Any]:
        return predictions.require_wire().server(NAME, VERSION)

    @found.get("/v2/models", permission="predictor/metadata")
    async def models() -> dict[str, Any]:
        wire, answering = predictions.require_answering()
        return wire.models([answering.name])

    @found.get(VERSION_PATH, permission="predictor/metadata")
    @found.get(MODEL_PATH, permission="predictor/metadata")
    async def metadata(model: str, version: str | None = None) -> dict[str, Any]:
        wire, answering = predictions.require_answering(model, version)
        return wire.model(answering)


def _own(found: Routes, endpoint: Endpoint, journal: Journal) -> None:
    @found.get("/v1/state", permission="predictor/health", kind=Kind.UNJOURNALED)
    async def state() -> dict[str, Any]:
        return endpoint.state()

    @found.get("/v1/receipts/{receipt}", permission="predictor/read-receipt")
    async def receipt(receipt: str) -> dict[str, Any]:
        for _ in range(int(LANDING_SECONDS / LANDING_PAUSE)):
            try:
                return await asyncio.to_thread(landed, journal, receipt)
            except NotLandedYet:
                await asyncio.sleep(LANDING_PAUSE)
        return await asyncio.to_thread(landed, journal, receipt)
