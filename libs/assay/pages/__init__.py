"""Pages for people: what every people listener shares, so that a service brings its routes and templates only.

A people listener is TLS 1.3 without client certificate; a person is who signed in with a passkey. No service
route stands on it, and it knows nobody by certificate or grant. A service makes one in three steps:

1. `pages = PageRoutes()` in its `ui` module, every route with its permission, as `Routes` for services:

       @pages.get("/models", permission="registry/read")
       def models(request: Request, caller: Annotated[Caller, Depends(calling)]) -> Response:
           return page(request, "models.html", models=registry.models(by=caller))

   An unsafe method is refused unless it was sent by this very origin and carries the session's token: forms hold
   `{{ csrf() }}` (from `layout.html`'s `forms.html`). `PUBLIC` routes are asked for their origin only.
2. `Site(...)`: service name, origin, its `templates/` folder, its navigation and its `Sessions`.
3. `build_pages(parts, site, *pages)` gives the application, `Listener(name, app, port,
   parts.identity.server_context(client_certificate=False))` the listener; `run(also=…)` serves it.

Only identity signs people in. Every other service adds `relying_pages(site, relying)` (`assay.pages.relying`):
its `/sign-in` goes to identity with code and PKCE, and its `/signed-in` redeems the code over mutual TLS.

Pages of another tool (MLflow's) stand on `assay.pages.tools`: its files, and routes for its scripts that only read.

Templates extend `layout.html` (blocks `title`, `content`); a refusal is rendered as `error.html`. To have a person
sign a statement, a form says `data-passkey="assert"` (see `static/passkey.js`): the challenge is made in the
browser, of the very words the page holds.
"""

from assay.pages.app import build_pages
from assay.pages.errors import CrossSite, SignInNeeded, TooManyAttempts, WrongAddress
from assay.pages.limits import Attempts
from assay.pages.render import Entry, Site, local_path, page, redirect
from assay.pages.routes import PageRoutes, session_of
from assay.pages.sessions import Session, Sessions

__all__ = [
    "Attempts",
    "CrossSite",
    "Entry",
    "PageRoutes",
    "Session",
    "Sessions",
    "SignInNeeded",
    "Site",
    "TooManyAttempts",
    "WrongAddress",
    "build_pages",
    "local_path",
    "page",
    "redirect",
    "session_of",
]
