"""Pages that cannot exist without a permission, for people who signed in with a passkey.

The caller is the session's person: their roles come from the facts, their passkey and they themselves must not
be revoked, and what is known of that must be within the lease, at every request. What changes something must be
sent by this very origin (`Origin`, and `Sec-Fetch-Site` where the browser sends it) with the session's token.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from assay.contracts import CredentialBound, SpiffeId
from assay.errors import BadRequest
from assay.pages.errors import CrossSite, SignInNeeded, WrongAddress
from assay.pages.sessions import Session
from assay.web.caller import Caller, Followed
from assay.web.routes import Edge, PermittedRoute, Routes

if TYPE_CHECKING:
    from assay.pages.render import Site

SAFE: Final = frozenset({"GET", "HEAD"})
FORM_LIMIT: Final = 256 * 1024  # bytes


class Bound(Followed, Protocol):
    """What pages need to know of people: `assay.ledger.Follower`."""

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a bound credential unless it or its person is revoked."""


class PageEdge(Edge, Protocol):
    """The service's parts, as far as pages need them."""

    @property
    def follower(self) -> Bound:
        """Roles, revocations and credentials."""


class PageRoutes(Routes):
    """Some pages of a service, each with its permission."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix)
        self.router = APIRouter(
            prefix=prefix,
            route_class=PageRoute,
            redirect_slashes=False,
            default_response_class=HTMLResponse,
        )


class PageRoute(PermittedRoute):
    """A page: decided by policy for the person of the session, never for a certificate or a grant."""

    body_limit: int = FORM_LIMIT

    def _allowed(self, edge: Edge, request: Request) -> Caller:
        """Return the session's person when policy says yes; raises SignInNeeded without a session."""
        site: Site = request.app.state.site
        session = session_in(request, site)
        if session is None:
            raise SignInNeeded("nobody is signed in here")
        caller = person_of(session, request.app.state.edge, site)
        request.state.session = session
        service = edge.identity.spiffe_id.segments[-1]
        edge.policy.require(self.permission, caller, {"service": service, "path": dict(request.path_params)})
        return caller

    async def _admitted(self, request: Request) -> None:
        """Refuse what was made to another name of this host, or sent by another origin's page."""
        site: Site = request.app.state.site
        addressed(request, site.origin)
        if request.method in SAFE:
            return
        sent_from(request, site.origin)
        session = getattr(request.state, "session", None)
        if isinstance(session, Session):
            sent = (await request.form()).get("csrf")
            if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
                raise CrossSite("the form does not carry this session's token")


def session_of(request: Request) -> Session:
    """FastAPI dependency: the session of this request."""
    session = getattr(request.state, "session", None)
    if not isinstance(session, Session):
        raise SignInNeeded("this page is public: nobody is signed in")
    return session


def session_in(request: Request, site: Site) -> Session | None:
    """Return the session the cookie names; two cookies of that name are as good as none."""
    found = [
        value
        for header in request.headers.getlist("cookie")
        for name, _, value in (pair.strip().partition("=") for pair in header.split(";"))
        if name == site.cookie
    ]
    return site.sessions.find(found[0]) if len(found) == 1 else None


def person_of(session: Session, edge: PageEdge, site: Site) -> Caller:
    """Return who a session is, as the facts know them now.

    Raises:
        SignInNeeded: the person or the passkey was revoked: the session has ended.
        Stale: what is known of that is older than the lease.
    """
    followed = edge.follower
    followed.fresh()
    if followed.credential(session.person, session.credential_id) is None:
        site.sessions.end(session.person, session.handle)
        raise SignInNeeded("the passkey of this session is not accepted any more")
    try:
        identity = SpiffeId.parse(f"spiffe://{edge.root.trust_domain}/people/{session.person}")
    except BadRequest as error:
        raise SignInNeeded("the session names nobody") from error
    tenant = followed.tenant  # a tenant of one's choice comes with the sessions' own setting, later
    return Caller(
        identity,
        session.person,
        followed.roles(session.person, tenant),
        tenant=tenant,
        platform=True,
        signed_in=session.authenticated_at,
    )


def addressed(request: Request, origin: str) -> None:
    """Return when a request was made to this origin's very name; raises WrongAddress."""
    if request.headers.getlist("host") != [origin.removeprefix("https://")]:
        raise WrongAddress(f"this site is {origin}")


def sent_from(request: Request, origin: str) -> None:
    """Return when a page of this very origin sent a request; raises CrossSite."""
    if request.headers.getlist("origin") != [origin]:
        raise CrossSite(f"the request was not sent by a page of {origin}")
    if any(site != "same-origin" for site in request.headers.getlist("sec-fetch-site")):
        raise CrossSite("the browser says that another site's page sent the request")
