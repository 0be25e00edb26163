"""Who could still make another administrator: it takes two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from assay.contracts import FactKind, RoleGranted, body_of
from assay.identity.statements import ADMINISTRATOR

if TYPE_CHECKING:
    from assay.ledger import Record, Root

NEEDED: Final = 2


class Roles(Protocol):
    """Facts about who holds which role."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""


def administrators(facts: Roles, root: Root, tenant: str) -> frozenset[str]:
    """Return everybody who is an administrator of a tenant now."""
    granted = (body_of(one.fact, RoleGranted).person for one in facts.records(FactKind.ROLE))
    people = {*granted, *(founder.person for founder in root.founders)}
    return frozenset(each for each in people if ADMINISTRATOR in facts.roles(each, tenant))
