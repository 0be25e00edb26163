"""The routes of requests, comments and delegations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Assertion, Environment
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.registry.asking import LONGEST, Asking
from services.registry.deciding import Deciding
from services.registry.delegating import Delegating, delegation_view
from services.registry.views import comment_view, request_view

By = Annotated[Caller, Depends(calling)]
Text = Annotated[str, Field(max_length=LONGEST)]


class Wanted(BaseModel):
    """A request's body: no members but ours."""

    model_config = ConfigDict(extra="forbid")


class Asked(Wanted):
    """What approvers are asked; `due` is when it is too late."""

    environment: Environment
    note: Text = ""
    due: datetime | None = None


class AskedOf(Asked):
    """The same with the version it is about."""

    model: str
    number: int


class Wrote(Wanted):
    """What somebody writes."""

    text: Text


class Said(Wanted):
    """What a person signed."""

    assertion: Assertion


class WroteAbout(Wrote):
    """What somebody writes about a version, within a request or not."""

    request: str = ""


def asking_routes(asking: Asking) -> Routes:
    """Return the routes of requests."""
    api = Routes("/v1/requests")

    @api.get("", permission="registry/read")
    def inbox(by: By) -> dict[str, Any]:
        mine = [request_view(one) for one in asking.asked_by(by)]
        return {"waiting": [request_view(one) for one in asking.waiting(by)], "asked": mine}

    @api.post("", permission="registry/request-approval", status_code=201)
    def request(wanted: AskedOf, by: By) -> dict[str, Any]:
        return request_view(asking.request(**dict(wanted), by=by))

    @api.get("/{id}", permission="registry/read")
    def one(id: str) -> dict[str, Any]:  # noqa: A002 - the path's own word
        return request_view(asking.find(id))

    @api.post("/{id}/withdrawal", permission="registry/request-approval")
    def withdraw(id: str, by: By) -> dict[str, Any]:  # noqa: A002
        return request_view(asking.withdraw(id, by=by))

    @api.post("/{id}/questions", permission="registry/comment", status_code=201)
    def question(id: str, wrote: Wrote, by: By) -> dict[str, Any]:  # noqa: A002
        return request_view(asking.question(id, wrote.text, by=by))

    return api


def delegating_routes(delegating: Delegating, deciding: Deciding) -> Routes:
    """Return the routes by which people let others decide for them, and by which those decide."""
    api = Routes("/v1")

    @api.get("/delegations", permission="registry/read")
    def standing() -> dict[str, Any]:
        return {"delegations": delegating.standing()}

    @api.get("/delegations/statement", permission="registry/delegate")
    def statement(
        by: By,
        role: Annotated[str, Query(max_length=63)],
        to: Annotated[str, Query(max_length=63)] = "",
        until: datetime | None = None,
        *,
        ended: bool = False,
    ) -> dict[str, Any]:
        return {"statement": delegating.statement(to=to, role=role, until=until, ended=ended, by=by)}

    @api.post("/delegations", permission="registry/delegate", status_code=201)
    def delegate(said: Said, by: By) -> dict[str, Any]:
        return delegation_view(delegating.hand_in(said.assertion, by=by))

    @api.post("/delegated-decisions", permission="registry/act-for", status_code=201)
    def decide(said: Said, by: By) -> dict[str, Any]:
        record = deciding.hand_in(said.assertion, by=by)
        return {"fact": record.digest, "kind": record.kind.value, "about": record.about}

    return api


def commenting_routes(asking: Asking) -> Routes:
    """Return the routes of one version's requests and comments."""
    api = Routes("/v1/models/{name}/versions/{number}")

    @api.get("/requests", permission="registry/read")
    def requests(name: str, number: int) -> dict[str, Any]:
        return {"requests": [request_view(one) for one in asking.of(name, number)]}

    @api.post("/requests", permission="registry/request-approval", status_code=201)
    def request(name: str, number: int, wanted: Asked, by: By) -> dict[str, Any]:
        return request_view(asking.request(name, number, **dict(wanted), by=by))

    @api.get("/comments", permission="registry/read")
    def comments(name: str, number: int) -> dict[str, Any]:
        return {"comments": [comment_view(one) for one in asking.comments(name, number)]}

    @api.post("/comments", permission="registry/comment", status_code=201)
    def comment(name: str, number: int, wrote: WroteAbout, by: By) -> dict[str, Any]:
        return comment_view(asking.comment(name, number, wrote.text, request=wrote.request, by=by))

    return api
