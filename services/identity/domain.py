"""Identity's values: what may be granted, and a certificate in exchange for a login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.contracts import PersonId, SpiffeId
from assay.errors import BadRequest
from services.identity.errors import GrantTooWide

MOST_ACTIONS = 50


@dataclass(frozen=True)
class Person:
    """Somebody with a credential; the name is None once it was forgotten."""

    person: PersonId
    name: str | None
    roles: frozenset[str]


@dataclass(frozen=True)
class Certificate:
    """What a login gives: leaf and chain, and the authority that issued them (PEM)."""

    chain_pem: str
    ca_pem: str


@dataclass(frozen=True)
class GrantWish:
    """What a person wants a service to be able to do in their name; `seconds` from now."""

    service: SpiffeId
    audience: tuple[str, ...]
    actions: tuple[str, ...]
    seconds: int

    @classmethod
    def of(
        cls,
        act: str,
        audience: Sequence[str],
        actions: Sequence[str],
        seconds: int,
        *,
        trust_domain: str,
        most: int,
    ) -> GrantWish:
        """Return a wish that may be granted; `act` is a core service's name or whole SPIFFE id.

        Raises:
            GrantTooWide: no such service, no action, an action of a service outside the audience, too long.
        """
        service = _core_service(act, trust_domain)
        if not 0 < seconds <= most:
            raise GrantTooWide(f"a grant lasts 1 to {most} seconds, not {seconds}")
        if not 0 < len(actions) <= MOST_ACTIONS:
            raise GrantTooWide(f"a grant names 1 to {MOST_ACTIONS} actions, not {len(actions)}")
        strays = [action for action in actions if action.partition("/")[0] not in audience]
        if strays or not audience:
            raise GrantTooWide(
                f"the audience does not hold the services of {', '.join(strays) or 'anything'}"
            )
        return cls(service, tuple(sorted(set(audience))), tuple(sorted(set(actions))), seconds)


def _core_service(act: str, trust_domain: str) -> SpiffeId:
    text = act if act.startswith("spiffe://") else f"spiffe://{trust_domain}/svc/core/{act}"
    try:
        service = SpiffeId.parse(text)
    except BadRequest as error:
        raise GrantTooWide(f"{act[:80]!r} names no service") from error
    if service.domain != trust_domain or service.service is None:
        raise GrantTooWide(f"{service} is no core service of {trust_domain}")
    return service


def display_name(text: str) -> str:
    """Return a name people can read and nothing can hide in: 1 to 80 printable characters, trimmed."""
    name = text.strip()
    if not 0 < len(name) <= 80 or not name.isprintable():  # noqa: PLR2004 - said above
        raise BadRequest("a name is 1 to 80 printable characters")
    return name
