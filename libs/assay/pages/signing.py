"""Beginning and ending a session in the browser: the cookie, always a fresh one, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request, Response

from assay.contracts import PersonId
from assay.pages.render import local_path, page, redirect
from assay.pages.routes import PageRoutes, session_in
from assay.web.routes import PUBLIC

if TYPE_CHECKING:
    from assay.pages.render import Site


def signed_in(
    request: Request,
    person: PersonId,
    credential_id: str,
    *,
    go_on: str = "/",
    authenticated_at: float | None = None,
    grant: str = "",
) -> Response:
    """Begin a session of whoever was just proven, and go on to a path of this site.

    The session is always new, and one that the browser already had is ended: nobody can plant one before.
    """
    site: Site = request.app.state.site
    _end(request, site)
    agent = request.headers.get("user-agent", "")
    token, _ = site.sessions.begin(
        person, credential_id, agent=agent, authenticated_at=authenticated_at, grant=grant
    )
    response = redirect(local_path(go_on))
    response.set_cookie(site.cookie, token, path="/", secure=True, httponly=True, samesite="lax")
    return response


def sign_out_pages() -> PageRoutes:
    """Return the page that ends the browser's session; public, so that signing out never fails."""
    pages = PageRoutes()

    @pages.post("/sign-out", permission=PUBLIC)
    def sign_out(request: Request) -> Response:
        site: Site = request.app.state.site
        _end(request, site)
        response = redirect("/signed-out")
        response.delete_cookie(site.cookie, path="/", secure=True, httponly=True, samesite="lax")
        return response

    @pages.get("/signed-out", permission=PUBLIC)
    def signed_out(request: Request) -> Response:
        return page(request, "signed_out.html")

    return pages


def _end(request: Request, site: Site) -> None:
    session = session_in(request, site)
    if session is not None:
        site.sessions.end(session.person, session.handle)
