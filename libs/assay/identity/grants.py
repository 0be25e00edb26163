"""A person's grant: a service may act for them, on some services, for some actions, for a while.

An ES256 JWT by identity. It adds a subject to a request and never replaces the certificate: it counts only on
a connection whose client certificate is the very service it names (`cnf`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt

from assay.contracts import PersonId, SpiffeId, canonical, check_name, check_tenant, new_id
from assay.errors import BadRequest, Unauthenticated
from assay.identity import base64url

HEADER: Final = "Assay-Grant"
TYPE: Final = "assay-grant+jwt"
KEY: Final = "grant"
_SKEW_SECONDS: Final = 60
_CLAIMS: Final = ["iss", "sub", "act", "cnf", "aud", "actions", "iat", "exp", "jti"]


class GrantSigner(Protocol):
    """What minting needs of Vault."""

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign with a transit key; `jws` asks for raw r||s."""


class GrantRoot(Protocol):
    """What verifying needs of the root."""

    @property
    def trust_domain(self) -> str:
        """The trust domain grants are of."""

    @property
    def services(self) -> Mapping[str, str]:
        """Public keys (PEM) of what services sign apart from facts."""


@dataclass(frozen=True)
class Grant:
    """What a verified grant says: it counts in one tenant; `expires` is in seconds since 1970."""

    person: PersonId
    service: SpiffeId
    audience: tuple[str, ...]
    actions: tuple[str, ...]
    expires: int
    tenant: str = ""

    def allows(self, action: str) -> bool:
        """Say whether the grant names this very action."""
        return action in self.actions


def mint(
    vault: GrantSigner,
    *,
    issuer: SpiffeId,
    person: PersonId,
    tenant: str,
    service: SpiffeId,
    audience: Sequence[str],
    actions: Sequence[str],
    now: int,
    seconds: int,
) -> str:
    """Return a signed grant (compact JWS, ES256, transit key `grant`) valid for `seconds` from `now`."""
    claims = {
        "iss": str(issuer),
        "sub": person,
        "tenant": tenant,
        "act": {"sub": str(service)},
        "cnf": {"spiffe": str(service)},
        "aud": list(audience),
        "actions": list(actions),
        "iat": now,
        "exp": now + seconds,
        "jti": new_id("grant"),
    }
    header = {"alg": "ES256", "typ": TYPE}
    signed = f"{base64url.encode(canonical(header))}.{base64url.encode(canonical(claims))}"
    return f"{signed}.{base64url.encode(vault.sign(KEY, signed.encode(), jws=True))}"


def verify(token: str, root: GrantRoot, peer: SpiffeId, audience: str, now: float) -> Grant:
    """Return the grant when identity signed it, this TLS peer holds it, it is for us and has not ended.

    Raises:
        Unauthenticated: anything else; a bad grant is never ignored.
    """
    return _held_by(peer, _signed_claims(token, root, audience), root, now)


def handed_over(token: str, root: GrantRoot, person: PersonId, service: SpiffeId, now: float) -> Grant:
    """Return a grant that its person hands to `service`, which may then use it elsewhere.

    Raises:
        Unauthenticated: it does not verify, is another person's, or names another service.
    """
    grant = _held_by(service, _signed_claims(token, root, None), root, now)
    if grant.person != person:
        raise Unauthenticated("the grant is another person's")
    return grant


def _held_by(holder: SpiffeId, claims: dict[str, Any], root: GrantRoot, now: float) -> Grant:
    try:
        grant = _grant(claims)
    except (KeyError, TypeError, ValueError, AttributeError, BadRequest) as error:
        raise Unauthenticated("the grant's claims are malformed") from error
    if claims["iss"] != f"spiffe://{root.trust_domain}/svc/core/identity":
        raise Unauthenticated("the grant is not by this trust domain's identity service")
    if claims["cnf"] != {"spiffe": str(holder)} or grant.service != holder:
        raise Unauthenticated("the grant belongs to another service than this connection's")
    if not claims["iat"] - _SKEW_SECONDS <= now < grant.expires:
        raise Unauthenticated("the grant has ended, or is not valid yet", fix="ask for a new grant")
    return grant


def _signed_claims(token: str, root: GrantRoot, audience: str | None) -> dict[str, Any]:
    key = root.services.get(KEY)
    if key is None:
        raise Unauthenticated("the root names no key for grants")
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=["ES256"],
            audience=audience,
            options={
                "require": _CLAIMS,
                "verify_aud": audience is not None,
                "verify_exp": False,  # with the caller's clock, below
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(f"the grant does not verify: {error}") from error
    if decoded["header"].get("typ") != TYPE:
        raise Unauthenticated("the token is not a grant")
    claims: dict[str, Any] = decoded["payload"]
    _require_canonical(token, decoded["header"], claims)
    return claims


def _require_canonical(token: str, header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Return when the parts are spelled as identity spells them: nothing is said twice, or read in two ways."""
    spelled = ".".join(base64url.encode(canonical(part)) for part in (header, claims))
    if token.rpartition(".")[0] != spelled:
        raise Unauthenticated("the grant is not spelled canonically")


def _grant(claims: dict[str, Any]) -> Grant:
    if type(claims["exp"]) is not int or type(claims["iat"]) is not int:
        raise TypeError("times are whole seconds")
    actions = claims["actions"]
    if not isinstance(actions, list) or not all(isinstance(action, str) for action in actions):
        raise TypeError("actions are strings")
    return Grant(
        person=PersonId(check_name(claims["sub"], "person")),
        service=SpiffeId.parse(claims["act"]["sub"]),
        audience=tuple(claims["aud"]),
        actions=tuple(actions),
        expires=claims["exp"],
        tenant=check_tenant(claims["tenant"]),
    )
