"""The first page: what waits for whoever is signed in."""

from __future__ import annotations

from fastapi import Response

from assay.pages import PageRoutes, redirect
from services.registry.desk import Desk


def inbox_pages(_desk: Desk) -> PageRoutes:
    """Return the first page; until something can wait for somebody, it is the list of models."""
    pages = PageRoutes()

    @pages.get("/", permission="registry/read")
    def first() -> Response:
        return redirect("/models")

    return pages
