"""What identity needs of others, in its own words."""

from __future__ import annotations

from typing import Protocol

from assay.contracts import CredentialBound, FactKind, PersonId, Revocation
from assay.ledger import Record


class Names(Protocol):
    """The names of people: personal, deletable, never in a fact."""

    def person(self, name: str) -> PersonId | None:
        """Return who has this name."""

    def all(self) -> dict[PersonId, str]:
        """Return every name."""

    def put(self, person: PersonId, name: str) -> None:
        """Give a person a name; raises NameTaken."""

    def forget(self, person: PersonId) -> None:
        """Delete a person's name."""


class Followed(Protocol):
    """The facts, as far as they were followed: `assay.ledger.Follower`."""

    def fresh(self) -> None:
        """Return when they are within the lease; raises Stale."""

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a bound credential unless it or its person is revoked."""

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any, and when it is revoked."""

    def catch_up(self) -> int:
        """Follow to the newest entry."""
