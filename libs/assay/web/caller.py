"""Who is calling: the peer certificate's identity, and the person it is or verifiably acts for.

No header says who somebody is, with one exception that proves itself: a service's `Assay-Grant`, signed by
identity for exactly that service's certificate. A person may send a grant too: it is then handed over to the
service it names, for its own calls, and adds nothing to the request that carries it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request

from assay.contracts import PersonId, Revocation, SpiffeId, sha256_hex
from assay.errors import Forbidden, Unauthenticated
from assay.identity.grants import HEADER, Grant, GrantRoot, handed_over, verify
from assay.web.protocol import Peer


class IdentityRevoked(Forbidden):
    """The caller's identity, or the person behind it, no longer counts."""

    fix = "ask an administrator why; `assay reinstate` ends a revocation"


class Followed(Protocol):
    """What is known of people from the facts: `assay.ledger.Follower`."""

    def fresh(self) -> None:
        """Return when the newest checkpoint is within the lease; raises Stale."""

    def roles(self, person: str) -> frozenset[str]:
        """Return the roles a person holds now."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""


@dataclass(frozen=True)
class Caller:
    """The subject of a request. `person` is from a person's certificate or a verified grant.

    `handed` is the token of a grant that a person hands to this service for its own calls.
    """

    identity: SpiffeId
    person: PersonId | None
    roles: frozenset[str]
    grant: Grant | None = None
    handed: str | None = field(default=None, repr=False)

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
    caller = _with_grant(request, Caller(peer.identity, peer.identity.person, frozenset()), root, service)
    _refuse_revoked(caller, followed)
    if caller.person is None:
        return caller
    return Caller(caller.identity, caller.person, followed.roles(caller.person), caller.grant, caller.handed)


def _with_grant(request: Request, caller: Caller, root: GrantRoot, service: SpiffeId) -> Caller:
    tokens = request.headers.getlist(HEADER)
    if not tokens:
        return caller
    if len(tokens) > 1:
        raise Unauthenticated("a request carries one grant at most")
    if caller.person is not None:
        handed_over(tokens[0], root, caller.person, service, time.time())
        return Caller(caller.identity, caller.person, caller.roles, handed=tokens[0])
    grant = verify(tokens[0], root, caller.identity, service.segments[-1], time.time())
    return Caller(caller.identity, grant.person, caller.roles, grant)


def _refuse_revoked(caller: Caller, followed: Followed) -> None:
    names = [f"identity{caller.identity.path}"]
    names += [f"person/{caller.person}"] if caller.person is not None else []
    for name in names:
        if followed.revoked(sha256_hex(name.encode())) is not None:
            raise IdentityRevoked(f"{name} is revoked")
