"""The list of models, and one model with its versions and aliases."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.models import Listed, model_shown, models_shown

Wanted = Annotated[str, Query(max_length=63)]
Page = Annotated[int, Query(alias="page", ge=1, le=1_000_000)]


def model_pages(desk: Desk) -> PageRoutes:
    """Return the pages of models."""
    pages = PageRoutes("/models")

    @pages.get("", permission="registry/read")
    def models(request: Request, q: Wanted = "", page_: Page = 1) -> Response:
        listed, shown = models_shown(desk.registry, desk.notes, q, page_)
        return page(request, "models.html", listed=listed, models=shown, q=q)

    @pages.get("/{name}", permission="registry/read")
    def model(request: Request, name: str, page_: Page = 1) -> Response:
        shown = model_shown(desk.registry, desk.notes, name)
        return page(request, "model.html", model=shown, listed=Listed.of(shown.versions, page_), q="")

    return pages
