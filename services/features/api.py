"""Features' routes: permission, parse, call, render."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import Body, Depends, Response
from pydantic import BaseModel

from assay.contracts import FeatureSet, body_of
from assay.journal import Kind
from assay.ledger import Record
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from assay.web.tenants import PerTenant
from services.features.usecases import Features

By = Annotated[Caller, Depends(calling)]
Document = Annotated[dict[str, Any], Body()]


class WantedKey(BaseModel):
    """Which split a key is wanted for, and the order that allows it."""

    order: str
    split: str


def routes(tenants: PerTenant[Features]) -> Routes:
    """Return the service's routes."""
    api = Routes("/v1")

    @api.put("/views/{name}", permission="features/define-view")
    def define(name: str, document: Document, by: By) -> dict[str, Any]:
        definition, number = tenants.of(by.tenant).define(name, document, by=by)
        return {
            "view": name,
            "definition": definition.digest,
            "number": number,
            "features": list(definition.features),
        }

    @api.post("/feature-sets", permission="features/build-feature-set", status_code=201)
    def build(document: Document, by: By) -> dict[str, Any]:
        return _feature_set(tenants.of(by.tenant).build(document, by=by))

    @api.get("/feature-sets/{fact}", permission="features/read")
    def described(fact: str, by: By) -> dict[str, Any]:
        return _feature_set(tenants.of(by.tenant).described(fact))

    @api.get("/objects/{digest}", permission="features/read-object")
    def ciphertext(digest: str, by: By) -> Response:
        return Response(tenants.of(by.tenant).ciphertext(digest), media_type="application/octet-stream")

    @api.post("/keys", permission="features/release-key", kind=Kind.READ)
    def release_key(wanted: WantedKey, by: By) -> dict[str, Any]:
        key, digest, record = tenants.of(by.tenant).release_key(wanted.order, wanted.split, by=by)
        return {
            "key": base64.b64encode(key).decode(),
            "digest": digest,
            "fact": record.digest,
            "features": list(body_of(record.fact, FeatureSet).features),
        }

    return api


def _feature_set(record: Record) -> dict[str, Any]:
    body = body_of(record.fact, FeatureSet)
    return {
        "fact": record.digest,
        "set": record.about.rpartition("/")[2],
        "view": body.view,
        "features": list(body.features),
        "splits": body.splits,
        "rows": body.rows,
        "as_of": list(body.as_of),
        "facts": list(body.facts),
        "key": body.key,
    }
