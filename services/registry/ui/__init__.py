"""The registry's pages, one module a page or two, put together here.

A page is a function `…_pages(desk) -> PageRoutes` in a module of its own, its template in `templates/`, and what it
shows a value worked out of facts elsewhere in the service: a route parses, asks and renders. Templates extend
`layout.html`, take macros from `words.html`, and say people's names by `called(id)`.
"""

from __future__ import annotations

from typing import Final

from assay.pages import Entry, PageRoutes
from services.registry.desk import Desk
from services.registry.packing import Packing
from services.registry.ui.audit import audit_pages
from services.registry.ui.delegations import delegation_pages
from services.registry.ui.history import history_pages
from services.registry.ui.hooks import MANAGERS, webhook_pages
from services.registry.ui.inbox import inbox_pages
from services.registry.ui.models import model_pages
from services.registry.ui.packs import pack_pages
from services.registry.ui.people import people_pages
from services.registry.ui.places import place_pages
from services.registry.ui.receipts import receipt_pages
from services.registry.ui.requests import asking_pages, request_pages
from services.registry.ui.revoking import revoking_pages
from services.registry.ui.versions import version_pages

NAVIGATION: Final = (
    Entry("/", "Inbox"),
    Entry("/models", "Models"),
    Entry("/endpoints", "Endpoints"),
    Entry("/history", "History"),
    Entry("/audit", "Audit"),
    Entry("/receipts", "Receipts"),
    Entry("/people", "People"),
    Entry("/webhooks", "Webhooks", MANAGERS),
)
"""In this order, those of them that there are pages for."""


def all_pages(desk: Desk) -> list[PageRoutes]:
    """Return every page of the registry."""
    return [
        inbox_pages(desk),
        request_pages(desk),
        asking_pages(desk),
        revoking_pages(desk),
        delegation_pages(desk),
        model_pages(desk),
        version_pages(desk),
        pack_pages(Packing(desk.registry)),
        place_pages(desk),
        history_pages(desk),
        audit_pages(desk),
        receipt_pages(desk),
        people_pages(desk),
        webhook_pages(desk),
    ]


def navigation(pages: list[PageRoutes]) -> tuple[Entry, ...]:
    """Return the links to those first pages that exist."""
    there = {getattr(route, "path", "") for each in pages for route in each.router.routes}
    return tuple(entry for entry in NAVIGATION if entry.path in there)
