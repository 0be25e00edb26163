"""A person's grant: a service may act for them, on some services, for some actions, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.contracts import PersonId, SpiffeId


@dataclass(frozen=True)
class Grant:
    """What a verified grant says; `expires` is in seconds since 1970."""

    person: PersonId
    service: SpiffeId
    audience: tuple[str, ...]
    actions: tuple[str, ...]
    expires: int
    token: str

    def allows(self, action: str) -> bool:
        """Say whether the grant names this very action."""
        return action in self.actions


def mint(
    vault: Any,
    *,
    issuer: SpiffeId,
    person: PersonId,
    service: SpiffeId,
    audience: Sequence[str],
    actions: Sequence[str],
    now: int,
    seconds: int,
) -> str:
    """Return a signed grant (compact JWS, ES256, transit key `grant`)."""
    raise NotImplementedError


def verify(token: str, root: Any, peer: SpiffeId, audience: str, now: float) -> Grant:
    """Return the grant when it is signed by identity, held by this TLS peer, for us, and not expired."""
    raise NotImplementedError
