"""Who is calling: the peer certificate's identity, and the person it is or verifiably acts for.

No header says who somebody is, with one exception that proves itself: a service's `Assay-Grant`, signed by
identity for exactly that service's certificate. A person may send a grant too: it is then handed over to the
service it names, for its own calls, and adds nothing to the request that carries it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Protocol

from fastapi import Request

from assay.contracts import PersonId, Revocation, SpiffeId, sha256_hex
from assay.errors import Forbidden, Unauthenticated
from assay.identity.grants import HEADER, Grant, GrantRoot, handed_over, verify
from assay.web.protocol import Peer
from assay.web.tenants import Owners, tenant_of


class IdentityRevoked(Forbidden):
    """The caller's identity, or the person behind it, no longer counts."""

    fix = "ask an administrator why; `assay reinstate` ends a revocation"


class Followed(Owners, Protocol):
    """What is known of people and names from the facts: `assay.ledger.Follower`."""

    def fresh(self) -> None:
        """Return when the newest checkpoint is within the lease; raises Stale."""

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant now."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""


@dataclass(frozen=True)
class Caller:
    """The subject of a request. `person` is from a person's certificate or a verified grant.

    `handed` is the token of a grant that a person hands to this service for its own calls. `tenant` is the one
    the request acts in, where `roles` hold; `platform` says whether it is the platform's own. `signed_in` is when
    a person signed in for the certificate they show, in seconds since 1970; None without one.
    """

    identity: SpiffeId
    person: PersonId | None
    roles: frozenset[str]
    grant: Grant | None = None
    handed: str | None = field(default=None, repr=False)
    tenant: str = ""
    platform: bool = False
    signed_in: float | None = None

    def __str__(self) -> str:
        return self.person or str(self.identity)


def calling(request: Request) -> Caller:
    """FastAPI dependency: the caller of this request, who is allowed to call its route."""
    caller = getattr(request.state, "caller", None)
    if not isinstance(caller, Caller):
        raise Unauthenticated("this route is public: nobody has proved who they are")
    return caller


def caller_of(request: Request, root: GrantRoot, followed: Followed, *, service: SpiffeId) -> Caller:
    """Return who the connection's certificate and a verified grant say is calling.

    Raises:
        Unauthenticated: no certificate of this trust domain, or a grant that does not verify.
        IdentityRevoked: the identity or person is revoked.
        Stale: what is known of revocations and roles is older than the lease.
    """
    peer = getattr(request.state, "peer", None)
    if not isinstance(peer, Peer) or peer.identity.domain != root.trust_domain:
        raise Unauthenticated("the connection shows no certificate of this trust domain")
    followed.fresh()
    bare = Caller(peer.identity, peer.identity.person, frozenset())
    caller, grants = _with_grant(request, bare, root, service)
    _refuse_revoked(caller, followed)
    tenant = tenant_of(request, caller.identity, grants, followed, service=service)
    caller = replace(caller, tenant=tenant, platform=tenant == followed.tenant)
    if caller.person is None:
        return caller
    signed_in = peer.not_before if peer.identity.person is not None else None
    return replace(caller, roles=followed.roles(caller.person, tenant), signed_in=signed_in)


def _with_grant(
    request: Request, caller: Caller, root: GrantRoot, service: SpiffeId
) -> tuple[Caller, list[Grant]]:
    """Return the caller with the person of a grant it uses, and the grants it uses or hands over."""
    tokens = request.headers.getlist(HEADER)
    if not tokens:
        return caller, []
    if len(tokens) > 1:
        raise Unauthenticated("a request carries one grant at most")
    if caller.person is not None:
        handed = handed_over(tokens[0], root, caller.person, service, time.time())
        return replace(caller, handed=tokens[0]), [handed]
    grant = verify(tokens[0], root, caller.identity, service.segments[-1], time.time())
    return replace(caller, person=grant.person, grant=grant), [grant]


def _refuse_revoked(caller: Caller, followed: Followed) -> None:
    names = [f"identity{caller.identity.path}"]
    names += [f"person/{caller.person}"] if caller.person is not None else []
    for name in names:
        if followed.revoked(sha256_hex(name.encode())) is not None:
            raise IdentityRevoked(f"{name} is revoked")
