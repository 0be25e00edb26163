"""Who is calling: the peer certificate's identity, and the person it is or verifiably acts for."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from assay.contracts import PersonId, SpiffeId
from assay.identity.grants import Grant


@dataclass(frozen=True)
class Caller:
    """The subject of a request. `person` is from a person's certificate or a verified grant."""

    identity: SpiffeId
    person: PersonId | None
    roles: frozenset[str]
    grant: Grant | None = None

    def __str__(self) -> str:
        return self.person or str(self.identity)


def calling(request: Request) -> Caller:
    """FastAPI dependency: the caller of this request, already allowed to call its route."""
    raise NotImplementedError
