"""The first page, and a person's own sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from assay.pages import PageRoutes, Session, Site, page, redirect, session_of
from assay.web.caller import Caller, calling
from services.identity.passkeys import Passkeys
from services.identity.ports import Names

Mine = Annotated[Session, Depends(session_of)]


def own_pages(passkeys: Passkeys, names: Names) -> PageRoutes:
    """Return the pages that everybody who signed in has."""
    pages = PageRoutes()

    @pages.get("/", permission="identity/own-session")
    def first(request: Request, caller: Annotated[Caller, Depends(calling)], session: Mine) -> Response:
        return page(
            request,
            "home.html",
            name=names.all().get(session.person),
            roles=sorted(caller.roles),
            passkeys=passkeys.of(session.person),
            sessions=len(_site(request).sessions.of(session.person)),
        )

    @pages.get("/sessions", permission="identity/own-session")
    def sessions(request: Request, session: Mine) -> Response:
        return page(request, "sessions.html", sessions=_site(request).sessions.of(session.person))

    @pages.post("/sessions/{handle}/end", permission="identity/own-session")
    def end(request: Request, handle: str, session: Mine) -> Response:
        _site(request).sessions.end(session.person, handle)
        return redirect("/sessions")

    return pages


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site
