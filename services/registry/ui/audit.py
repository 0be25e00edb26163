"""Who did what: a search over the log, for whoever may search it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from assay.contracts import FactKind
from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.trail import sought_of, trail_shown

Text = Annotated[str, Query(max_length=200)]


def audit_pages(desk: Desk) -> PageRoutes:
    """Return the search."""
    pages = PageRoutes("/audit")

    @pages.get("", permission="ledger/search")
    def search(
        request: Request,
        person: Text = "",
        kind: Text = "",
        about: Text = "",
        since: Text = "",
        until: Text = "",
        before: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        given = {"person": person, "kind": kind, "about": about, "since": since, "until": until}
        trail = trail_shown(desk.registry, sought_of(**given, before=before))
        return page(
            request, "audit.html", trail=trail, given=given, kinds=list(FactKind), people=desk.names.all()
        )

    return pages
