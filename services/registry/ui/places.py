"""Endpoints: what answers where, and whether it would be let in today."""

from __future__ import annotations

from fastapi import Request, Response

from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.places import places_shown


def place_pages(desk: Desk) -> PageRoutes:
    """Return the page of endpoints."""
    pages = PageRoutes("/endpoints")

    @pages.get("", permission="registry/read")
    def endpoints(request: Request) -> Response:
        return page(request, "endpoints.html", shown=places_shown(desk.registry, desk.places))

    return pages
