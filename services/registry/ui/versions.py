"""The page of a version: what an approver looks at before deciding."""

from __future__ import annotations

from fastapi import Request, Response

from assay.contracts import Environment
from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.gates import gates_shown
from services.registry.views import version_view


def version_pages(desk: Desk) -> PageRoutes:
    """Return the page of a version."""
    pages = PageRoutes("/models/{name}/{number}")

    @pages.get("", permission="registry/read")
    def version(request: Request, name: str, number: int) -> Response:
        shown = version_view(desk.registry, name, number)
        gates = gates_shown(desk.registry, name, number, tuple(Environment))
        return page(request, "version.html", version=shown, gates=gates)

    return pages
