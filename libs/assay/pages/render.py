"""Rendering pages: templates of the service over the shared ones, escaped, undefined names refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assay.contracts import sha256_hex
from assay.errors import BadRequest
from assay.pages.sessions import Session, Sessions
from assay.web.caller import Caller

SHARED: Final = Path(__file__).parent
_LONGEST_PATH: Final = 2000


class Entry(NamedTuple):
    """A link of the navigation, for whoever holds one of the roles; without roles, for everybody signed in."""

    path: str
    words: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Site:
    """One service's pages: its name, its exact origin (`https://host:port`), templates, sessions, navigation.

    `people` are pages of identity that every site links to: sign-out is each site's own.
    """

    service: str
    title: str
    origin: str
    templates: Path
    sessions: Sessions
    navigation: Sequence[Entry] = ()
    environment: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader([self.templates, SHARED / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"moment": moment, "short": short, "browser": browser}
        environment.globals["static"] = static_path
        object.__setattr__(self, "environment", environment)

    @property
    def cookie(self) -> str:
        """The session cookie's name: cookies know no ports, so each service has a name of its own."""
        return f"__Host-assay-{self.service}"


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """Return a page; templates also see `site`, `session`, `caller` and `navigation` of the request."""
    site: Site = request.app.state.site
    session: Session | None = getattr(request.state, "session", None)
    caller: Caller | None = getattr(request.state, "caller", None)
    roles = caller.roles if caller is not None else frozenset()
    shown = [one for one in site.navigation if caller is not None and (not one.roles or one.roles & roles)]
    text = site.environment.get_template(template).render(
        site=site, session=session, caller=caller, navigation=shown, path=request.url.path, **values
    )
    return HTMLResponse(text, status_code=status)


def redirect(path: str) -> Response:
    """Return a redirect after a form: the browser gets the next page with GET."""
    return RedirectResponse(path, status_code=303)


def local_path(text: str) -> str:
    """Return a path of this site to go on to, or "/": never another site's address."""
    plain = text.isascii() and text.isprintable() and len(text) <= _LONGEST_PATH
    if not plain or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text


def sign_in_path(request: Request) -> str:
    """Return where to sign in and come back to this page."""
    query = f"?{request.url.query}" if request.url.query else ""
    back = local_path(f"{request.url.path}{query}") if request.method == "GET" else "/"
    return f"/sign-in?next={quote(back, safe='')}"


def moment(when: float | str) -> str:
    """Return a time (seconds since 1970, or RFC 3339) as people read it: `2026-11-21 14:05 UTC`."""
    at = datetime.fromisoformat(when) if isinstance(when, str) else datetime.fromtimestamp(when, UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def short(text: str, length: int = 12) -> str:
    """Return the beginning of a long id."""
    return text if len(text) <= length else f"{text[:length]}…"


def browser(agent: str) -> str:
    """Return what a `User-Agent` says in a few words: `Chrome on Linux`; it is a claim and proves nothing."""
    kinds = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("Android", "Android"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS", "macOS"))
    kind = next((words for mark, words in kinds if mark in agent), "A browser")
    system = next((words for mark, words in (*systems, ("Linux", "Linux")) if mark in agent), "")
    return f"{kind} on {system}" if system else kind


def static_path(name: str) -> str:
    """Return the address of a shared file, which changes with its content."""
    return f"/static/{sha256_hex(static_file(name))[:12]}/{name}"


def static_file(name: str) -> bytes:
    """Return a shared file's bytes; raises BadRequest for a name that is none of them."""
    if name not in STATIC:
        raise BadRequest(f"there is no file {name[:40]!r}")
    return (SHARED / "static" / name).read_bytes()


STATIC: Final = {
    "assay.css": "text/css; charset=utf-8",
    "passkey.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
