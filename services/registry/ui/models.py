"""The list of models, and one model with its versions and aliases."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Query, Request, Response

from assay.contracts import Environment
from assay.pages import PageRoutes, page, redirect
from assay.web.caller import Caller, calling
from services.registry.desk import Desk
from services.registry.domain import FREE
from services.registry.showing.models import Listed, model_shown, models_shown
from services.registry.showing.version import MOVERS
from services.registry.taking_off import RIGHT, take_off

By = Annotated[Caller, Depends(calling)]
Named = Annotated[str, Form(max_length=63)]
Seen = Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")]
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
    def model(request: Request, name: str, by: By, page_: Page = 1) -> Response:
        shown = model_shown(desk.registry, desk.notes, name)
        free = FREE if by.roles & MOVERS else frozenset()
        listed = Listed.of(shown.versions, page_)
        return page(request, "model.html", model=shown, listed=listed, q="", free=free)

    @pages.post("/{name}/aliases/remove", permission=RIGHT)
    def remove(
        name: str, by: By, alias: Named, environment: Annotated[Environment, Form()], seen: Seen
    ) -> Response:
        take_off(desk.registry, name, alias, environment, previous=seen, by=by)
        return redirect(f"/models/{name}")

    return pages
