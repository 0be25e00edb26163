"""The registry's own routes: permission, parse, call, render."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Assertion, Conditions, Environment, strict_json
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.registry.deciding import Deciding
from services.registry.evidence.documents import RIGHTS, WRITTEN
from services.registry.evidence.stating import Stating, number_of
from services.registry.packing import Packing
from services.registry.registering import Registering
from services.registry.releasing import require_release
from services.registry.revoking import Revoking, blast_view
from services.registry.taking_off import RIGHT, take_off
from services.registry.usecases import Registry
from services.registry.views import alias_view, gate_view, registered, stated, version_view

By = Annotated[Caller, Depends(calling)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Wanted(BaseModel):
    """A request's body: no members but ours."""

    model_config = ConfigDict(extra="forbid")


class Registration(Wanted):
    """Which checkpoint of which run (id or fact) becomes a version."""

    run: str
    checkpoint: str
    tier: Literal["low", "limited", "high"] = "limited"


class Move(Wanted):
    """Which version an alias names from here on; `previous` is the move the caller last saw."""

    number: int
    environment: Environment
    previous: Hex | None = None


class Written(Wanted):
    """What a person wrote about a model, and until when it counts.

    `over` is the fact it was made from, empty where there was none; left out, it follows whatever stands.
    """

    document: dict[str, Any]
    valid_until: datetime | None = None
    over: Hex | Literal[""] | None = None


class Said(Wanted):
    """What a person signed."""

    assertion: Assertion


class Revoked(Wanted):
    """What no longer counts, and why."""

    revokes: Hex
    what: Annotated[str, Field(min_length=1, max_length=500)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Revocation(Revoked):
    """What no longer counts; `no_way_back` where nobody could say that it counts again."""

    no_way_back: bool = False


def version_routes(registry: Registry, registering: Registering, stating: Stating) -> Routes:
    """Return the routes of models and versions."""
    api = Routes("/v1")

    @api.get("/models", permission="registry/read")
    def models() -> dict[str, Any]:
        return {"models": registry.believed.models()}

    @api.get("/models/{name}/versions", permission="registry/read")
    def versions(name: str) -> dict[str, Any]:
        return {"versions": [registered(record) for record in registry.believed.versions(name)]}

    @api.post("/models/{name}/versions", permission="registry/register", status_code=201)
    def register(name: str, wanted: Registration, by: By) -> dict[str, Any]:
        made = registering.register(
            name, run=wanted.run, checkpoint=wanted.checkpoint, tier=wanted.tier, by=by
        )
        stating.derive(*number_of(made))
        return registered(made)

    @api.get("/models/{name}/versions/{number}", permission="registry/read")
    def version(name: str, number: int) -> dict[str, Any]:
        return version_view(registry, name, number)

    return api


def evidence_routes(stating: Stating) -> Routes:
    """Return the routes of typed statements about a version's package."""
    api = Routes("/v1/models/{name}/versions/{number}/evidence")

    @api.get("", permission="registry/read")
    def evidence(name: str, number: int) -> dict[str, Any]:
        return {"evidence": [stated(record) for record in stating.standing(name, number)]}

    @api.post("", permission="registry/derive-evidence", status_code=201)
    def derive(name: str, number: int) -> dict[str, Any]:
        return {"evidence": [stated(record) for record in stating.derive(name, number)]}

    @api.get("/{kind}", permission="registry/read")
    def document(name: str, number: int, kind: str) -> dict[str, Any]:
        record, data = stating.document(name, number, kind)
        return {**stated(record), "document": strict_json(data)}

    for kind in WRITTEN:
        _writing(api, stating, kind)
    return api


def _writing(api: Routes, stating: Stating, kind: str) -> None:
    @api.put(f"/{kind}", permission=RIGHTS[kind])
    def write(name: str, number: int, written: Written, by: By) -> dict[str, Any]:
        until, over = written.valid_until, written.over
        return stated(
            stating.write(name, number, kind, written.document, valid_until=until, by=by, over=over)
        )


def promoting_routes(registry: Registry) -> Routes:
    """Return the routes of gates, aliases and revocations."""
    revoking = Revoking(registry)
    api = Routes("/v1")

    @api.get("/models/{name}/versions/{number}/gate", permission="registry/gate")
    def gate(
        name: str, number: int, environment: Environment, endpoint: Annotated[str, Query(max_length=63)] = ""
    ) -> dict[str, Any]:
        return gate_view(registry.judged(name, number, environment, endpoint or None))

    @api.get("/models/{name}/aliases/{alias}", permission="registry/read")
    def alias(name: str, alias: str, environment: Environment) -> dict[str, Any]:
        return alias_view(registry.believed.alias(environment, name, alias))

    @api.post("/models/{name}/aliases/{alias}", permission="registry/promote", status_code=201)
    def promote(name: str, alias: str, move: Move, by: By) -> dict[str, Any]:
        return alias_view(registry.promote(name, alias, **dict(move), by=by))

    @api.delete("/models/{name}/aliases/{alias}", permission=RIGHT)
    def remove(
        name: str,
        alias: str,
        environment: Environment,
        by: By,
        previous: Annotated[Hex | None, Query()] = None,
    ) -> dict[str, Any]:
        gone = take_off(registry, name, alias, environment, previous=previous, by=by)
        return {"removed": f"{name}@{alias}", "fact": gone.digest}

    @api.post("/revocations", permission="registry/revoke", status_code=201)
    def revoke(wanted: Revocation, by: By) -> dict[str, Any]:
        said = registry.revoke(**dict(wanted), by=by)
        return {"fact": said.digest, **said.fact.body}

    @api.get("/revocations/preview", permission="registry/read")
    def preview(
        revokes: Annotated[Hex, Query()], what: Annotated[str, Query(max_length=500)]
    ) -> dict[str, Any]:
        return blast_view(revoking.preview(revokes, what=what))

    @api.post("/reinstatements", permission="registry/reinstate", status_code=201)
    def reinstate(wanted: Revoked, by: By) -> dict[str, Any]:
        said = registry.reinstate(**dict(wanted), by=by)
        return {"fact": said.digest, **said.fact.body}

    return api


def pack_routes(packing: Packing) -> Routes:
    """Return the route that gives a version's evidence pack."""
    api = Routes("/v1/models/{name}/versions/{number}")

    @api.get("/pack", permission="registry/read")
    def pack(name: str, number: int) -> Response:
        return Response(packing.page(name, number)[1], media_type="text/html; charset=utf-8")

    return api


def package_routes(registry: Registry) -> Routes:
    """Return the routes by which packages are read, by digest, every byte checked again."""
    api = Routes("/v1/packages")

    @api.get("/{digest}", permission="registry/read-package")
    def manifest(digest: str) -> dict[str, Any]:
        version = registry.of_package(digest)
        files = registry.packages.manifest(digest)
        return {"package": digest, "files": files, "signature": version.signature}

    @api.get("/{digest}/files/{path:path}", permission="registry/read-package")
    def file(digest: str, path: str, by: By) -> Response:
        registry.of_package(digest)
        require_release(registry, digest, by)
        return Response(registry.packages.file(digest, path), media_type="application/octet-stream")

    @api.get("/{digest}/signature", permission="registry/read-package")
    def signature(digest: str) -> Response:
        version = registry.of_package(digest)
        return Response(registry.packages.signature(version.signature), media_type="application/json")

    return api


def deciding_routes(deciding: Deciding) -> Routes:
    """Return the routes of statements, approvals, rejections and withdrawals."""
    api = Routes("/v1")

    @api.get("/models/{name}/versions/{number}/statement", permission="registry/read-statement")
    def statement(
        name: str,
        number: int,
        environment: Environment,
        by: By,
        verb: str = "approve",
        role: str = "approver",
        reason: Annotated[str, Query(max_length=2000)] = "",
        holder: Annotated[str, Query(max_length=63)] = "",
        only_endpoint: Annotated[tuple[str, ...], Query()] = (),
        until: datetime | None = None,
    ) -> dict[str, Any]:
        said = deciding.statement(
            name,
            number,
            environment,
            verb=verb,
            role=role,
            by=by,
            reason=reason,
            holder=holder,
            conditions=Conditions.of(only_endpoint, until),
        )
        return {"statement": said}

    def hand_in(said: Said, by: By) -> dict[str, Any]:
        record = deciding.hand_in(said.assertion, by=by)
        return {"fact": record.digest, "kind": record.kind.value, "about": record.about}

    for path, action in (("approvals", "approve"), ("rejections", "reject"), ("withdrawals", "withdraw")):
        api.post(f"/{path}", permission=f"registry/{action}", status_code=201)(hand_in)
    return api
