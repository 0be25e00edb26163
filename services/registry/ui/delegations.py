"""Who decides for whom: handing a role on while one is away, and taking it back; signed on a sheet."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from assay.identity.statements import DECIDERS
from assay.pages import PageRoutes, Session, page, redirect, session_of
from assay.pages.passkeys import Said, said
from assay.web.caller import Caller, calling
from services.registry.desk import Desk
from services.registry.showing.requests import delegation_sheet
from services.registry.ui.requests import end_of

By = Annotated[Caller, Depends(calling)]
Mine = Annotated[Session, Depends(session_of)]
Name = Annotated[str, Query(max_length=63)]


def delegation_pages(desk: Desk) -> PageRoutes:
    """Return the pages of delegations."""
    pages = PageRoutes("/delegations")

    @pages.get("", permission="registry/read")
    def everything(request: Request, by: By) -> Response:
        standing = desk.delegating.standing()
        roles = sorted(by.roles & DECIDERS)
        people = sorted(desk.names.all().items(), key=lambda one: one[1])
        return page(request, "delegations.html", standing=standing, roles=roles, people=people)

    @pages.get("/sheet", permission="registry/delegate")
    def sheet(
        request: Request,
        by: By,
        role: Name,
        to: Name = "",
        until: Annotated[str, Query(max_length=10)] = "",
        *,
        ended: bool = False,
    ) -> Response:
        end = end_of(until) if until else None
        statement = desk.delegating.statement(to=to, role=role, until=end, ended=ended, by=by)
        return page(request, "delegation.html", sheet=delegation_sheet(desk.registry, statement))

    @pages.post("/sign", permission="registry/delegate")
    def sign(by: By, session: Mine, proof: Annotated[Said, Depends(said)]) -> Response:
        desk.delegating.hand_in(proof.by(session.person), by=by)
        return redirect("/delegations")

    return pages
