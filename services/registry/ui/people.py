"""People, their roles and passkeys, as the facts know them; what is done about them is done at identity."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from assay.identity.statements import ADMINISTRATOR
from assay.pages import PageRoutes, page
from assay.web.caller import Caller, calling
from services.registry.desk import Desk
from services.registry.showing.people import people_shown

By = Annotated[Caller, Depends(calling)]


def people_pages(desk: Desk) -> PageRoutes:
    """Return the page of people."""
    pages = PageRoutes("/people")

    @pages.get("", permission="registry/read")
    def people(request: Request, by: By) -> Response:
        people = people_shown(desk.registry)
        changes = ADMINISTRATOR in by.roles
        return page(request, "people.html", people=people, identity=desk.identity, changes=changes)

    return pages
