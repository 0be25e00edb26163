"""The first page: what waits for whoever is signed in, and what they asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from assay.pages import PageRoutes, page
from assay.web.caller import Caller, calling
from services.registry.desk import Desk

By = Annotated[Caller, Depends(calling)]


def inbox_pages(desk: Desk) -> PageRoutes:
    """Return the first page."""
    pages = PageRoutes()

    @pages.get("/", permission="registry/read")
    def first(request: Request, by: By) -> Response:
        waiting, asked = desk.asking.waiting(by), desk.asking.asked_by(by)
        return page(request, "inbox.html", waiting=waiting, asked=asked)

    return pages
