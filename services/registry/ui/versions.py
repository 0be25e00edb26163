"""The page of a version, what an approver looks at before deciding, and the documents of its evidence."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from assay.contracts import Environment
from assay.pages import PageRoutes, page
from assay.web.caller import Caller, calling
from services.registry.desk import Desk
from services.registry.showing.documents import stated_shown
from services.registry.showing.version import links_for, version_shown

By = Annotated[Caller, Depends(calling)]
Number = Annotated[int | None, Query(ge=1)]


def version_pages(desk: Desk) -> PageRoutes:
    """Return the pages of a version."""
    pages = PageRoutes("/models/{name}/{number}")

    @pages.get("", permission="registry/read")
    def version(
        request: Request,
        by: By,
        name: str,
        number: int,
        environment: Environment = Environment.PROD,
        against: Number = None,
    ) -> Response:
        shown = version_shown(
            desk.stating, name, number, environment=environment, compare=against, people=desk.names.all()
        )
        return page(
            request,
            "version.html",
            version=shown,
            requests=desk.asking.of(name, number),
            comments=desk.asking.comments(name, number),
            may=links_for(by.roles),
        )

    @pages.get("/evidence/{kind}", permission="registry/read")
    def document(request: Request, name: str, number: int, kind: str) -> Response:
        stated = stated_shown(desk.stating, name, number, kind)
        return page(request, "document.html", stated=stated, name=name, number=number)

    return pages
