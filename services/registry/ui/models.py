"""The list of models, and one model with its versions and aliases."""

from __future__ import annotations

from fastapi import Request, Response

from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.models import model_shown, models_shown


def model_pages(desk: Desk) -> PageRoutes:
    """Return the pages of models."""
    pages = PageRoutes("/models")

    @pages.get("", permission="registry/read")
    def models(request: Request) -> Response:
        return page(request, "models.html", models=models_shown(desk.registry))

    @pages.get("/{name}", permission="registry/read")
    def model(request: Request, name: str) -> Response:
        return page(request, "model.html", model=model_shown(desk.registry, name))

    return pages
