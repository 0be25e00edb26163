"""Pages of another tool, shown here: its files, and what its own scripts ask for. All of it only reads.

A tool's scripts know no token of ours. So nothing may change on these routes, whatever the method: every one is a
read. What is asked must come from a page of this very origin, as the browser says, and a refusal is a script's to
read: problem details, never a page, never a way to sign in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from assay.errors import NotFound
from assay.journal import Kind
from assay.pages.errors import CrossSite
from assay.pages.routes import FORM_LIMIT, SAFE, PageRoute, PageRoutes, addressed, sent_from
from assay.web.routes import PUBLIC, Endpoint, Handler

SCRIPTED: Final = "scripted"  # where in a request's state it stands that a script reads the answer
TYPES: Final = MappingProxyType(
    {
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".woff": "font/woff",
        ".woff2": "font/woff2",
        ".ttf": "font/ttf",
    }
)
"""The files a tool's pages are made of; everything else in its folder, documents above all, is not given out."""
_KEPT: Final = {"cache-control": "public, max-age=86400"}


class ToolRoutes(PageRoutes):
    """What a tool's own scripts may ask for, each route with its permission; none of them changes anything."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix)
        self.router = APIRouter(prefix=prefix, route_class=ToolRoute, redirect_slashes=False)

    def route(
        self,
        path: str,
        *,
        permission: str,
        methods: list[str],
        body_limit: int = FORM_LIMIT,
        kind: Kind | None = None,  # noqa: ARG002 - see `Routes.route`
        **options: Any,  # noqa: ANN401 - FastAPI's own
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a route; whatever its method, what is journaled of it is a read."""
        return super().route(
            path, permission=permission, methods=methods, body_limit=body_limit, kind=Kind.READ, **options
        )


class ToolRoute(PageRoute):
    """A route of a session's person, for scripts of this origin's pages alone."""

    def get_route_handler(self) -> Handler:
        """See `fastapi.routing.APIRoute`."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            setattr(request.state, SCRIPTED, True)
            return await inner(request)

        return handle

    async def _admitted(self, request: Request) -> None:
        """Refuse what another origin's page sent or embeds; following a link to it is the person's own doing."""
        origin = request.app.state.site.origin
        addressed(request, origin)
        if request.method not in SAFE:
            sent_from(request, origin)
        elif request.headers.get("sec-fetch-mode") != "navigate":
            said = request.headers.getlist("sec-fetch-site")
            if any(site not in {"same-origin", "none"} for site in said):
                raise CrossSite("the browser says that another site's page asks for this")


def tool_files(prefix: str, folder: Path) -> PageRoutes:
    """Return the files below a folder of a tool's release, by their exact names: public, as the release is."""
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in TYPES and path.is_file()
    }
    pages = PageRoutes(prefix)

    @pages.get("/{name:path}", permission=PUBLIC)
    def file(name: str) -> Response:
        if name not in files:
            raise NotFound("there is no such file", fix="open the page again")
        return FileResponse(files[name], media_type=TYPES[files[name].suffix], headers=_KEPT)

    return pages
