"""What signing in at a service's pages lets that service do elsewhere: read, for that person, while a session may last.

The list stands here and not in what a service asks for: a sign-in lends what it says, whoever redeems the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from assay.contracts import PersonId, SpiffeId
from assay.identity import grants


class Lent(NamedTuple):
    """At which service, and for which actions."""

    audience: str
    actions: tuple[str, ...]


LENT: Final[Mapping[str, Lent]] = MappingProxyType(
    {"tracking": Lent("registry", ("registry/read", "registry/read-package"))}
)
"""MLflow's pages show registered models, which are the registry's."""


class InTenant(Protocol):
    """Which tenant sessions act in."""

    @property
    def tenant(self) -> str:
        """The platform's own."""


@dataclass(frozen=True)
class Lending:
    """Signs what a sign-in lends; `seconds` is how long a session lasts at most, `clock` is in seconds since 1970."""

    vault: grants.GrantSigner
    issuer: SpiffeId
    followed: InTenant
    seconds: int
    clock: Callable[[], float]

    def to(self, client: str, person: PersonId) -> str:
        """Return a person's grant for the service they signed in at; empty where that is lent nothing."""
        lent = LENT.get(client)
        if lent is None:
            return ""
        return grants.mint(
            self.vault,
            issuer=self.issuer,
            person=person,
            tenant=self.followed.tenant,
            service=SpiffeId(self.issuer.domain, f"/svc/core/{client}"),
            audience=[lent.audience],
            actions=list(lent.actions),
            now=int(self.clock()),
            seconds=self.seconds,
        )
