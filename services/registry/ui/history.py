"""What was in production when: a timeline of every alias and endpoint, and the file that proves a moment of it."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from assay.custody.history import moment_of
from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.past import WIDE, lines_shown, proof_of, stood_at


def history_pages(desk: Desk) -> PageRoutes:
    """Return the timeline and its proofs."""
    pages = PageRoutes("/history")

    @pages.get("", permission="registry/read")
    def timeline(request: Request, about: str = "", at: str = "") -> Response:
        asked = moment_of(at) if at else None
        stood = stood_at(desk.registry, about, asked) if asked else None
        answer = {"about": about, "at": at, "asked": asked, "stood": stood}
        return page(request, "history.html", lines=lines_shown(desk.registry), wide=WIDE, answer=answer)

    @pages.get("/proof", permission="registry/read")
    def proof(about: str, at: str) -> Response:
        bundle = proof_of(desk.registry, about, moment_of(at))
        headers = {"content-disposition": 'attachment; filename="history.json"'}
        return JSONResponse(bundle, headers=headers)

    return pages
