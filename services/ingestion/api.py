"""Ingestion's routes: permission, parse, call, render."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Body, Depends, Request, Response
from pydantic import BaseModel

from assay.journal import Kind
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from assay.web.tenants import PerTenant
from services.ingestion.domain import BatchRow, Pushed
from services.ingestion.usecases import Ingestion

BODY_LIMIT: Final = 256 << 20

By = Annotated[Caller, Depends(calling)]


class WantedKey(BaseModel):
    """Which batch a key is wanted for."""

    fact: str


async def posted(request: Request) -> bytes:
    """Return the body as it came; the application enforces the route's limit."""
    return await request.body()


def intake_routes(tenants: PerTenant[Ingestion]) -> Routes:
    """Return the routes by which data comes in."""
    api = Routes("/v1")

    @api.put("/datasets/{name}/contract", permission="ingestion/define-dataset")
    def define(name: str, document: Annotated[dict[str, Any], Body()], by: By) -> dict[str, Any]:
        contract, number = tenants.of(by.tenant).define(name, document, by=by)
        return {"dataset": name, "contract": contract.digest, "number": number}

    @api.post("/datasets/{name}/batches", permission="ingestion/push-batch", body_limit=BODY_LIMIT)
    def push(
        name: str,
        by: By,
        request: Request,
        response: Response,
        content: Annotated[bytes, Depends(posted)],
        batch: str,
        source: str = "push",
        recorded_at: datetime | None = None,
    ) -> dict[str, Any]:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        pushed = tenants.of(by.tenant).push(
            name,
            content,
            by=by,
            label=batch,
            media_type=media_type,
            source=source,
            recorded_at=_naive_utc(recorded_at),
        )
        response.status_code = 200 if pushed.duplicate else 201
        return _pushed(pushed)

    return api


def reading_routes(tenants: PerTenant[Ingestion]) -> Routes:
    """Return the routes by which batches are seen and, sealed, read."""
    api = Routes("/v1")

    @api.get("/datasets/{name}/batches", permission="ingestion/read-batches")
    def batches(name: str, by: By) -> dict[str, Any]:
        return {
            "batches": [
                {**_row(row), "revoked": revoked} for row, revoked in tenants.of(by.tenant).batches(name)
            ]
        }

    @api.get("/datasets/{name}/batches/{fact}/quarantine", permission="ingestion/read-quarantine")
    def quarantine(name: str, fact: str, by: By) -> dict[str, Any]:
        return tenants.of(by.tenant).quarantine(name, fact)

    @api.get("/objects/{digest}", permission="ingestion/read-object")
    def ciphertext(digest: str, by: By) -> Response:
        return Response(tenants.of(by.tenant).ciphertext(digest), media_type="application/octet-stream")

    @api.post("/keys", permission="ingestion/release-key", kind=Kind.READ)
    def release_key(wanted: WantedKey, by: By) -> dict[str, str]:
        key, digest = tenants.of(by.tenant).release_key(wanted.fact)
        return {"key": base64.b64encode(key).decode(), "digest": digest}

    @api.get("/lineage/{fact}", permission="ingestion/read-lineage")
    def lineage(fact: str, by: By) -> dict[str, Any]:
        return tenants.of(by.tenant).lineage(fact)

    return api


def _naive_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def _row(row: BatchRow) -> dict[str, Any]:
    return {
        "fact": row.fact,
        "digest": row.snapshot,
        "dataset": row.dataset,
        "batch": row.batch,
        "rows": row.rows,
        "quarantined": row.quarantined,
        "time": row.time,
    }


def _pushed(pushed: Pushed) -> dict[str, Any]:
    return {
        **_row(pushed.row),
        "reasons": list(pushed.reasons),
        "duplicate_of": pushed.row.fact if pushed.duplicate else None,
    }
