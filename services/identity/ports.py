"""What identity needs of others, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from assay.contracts import CredentialBound, FactKind, PersonId, Revocation
from assay.ledger import Checkpoint, Record, Root

if TYPE_CHECKING:
    from services.identity.next_root import RootDraft
    from services.identity.proposals import Link, Proposal


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


class Drafts(Protocol):
    """Links and proposals: they wait, and count for nothing."""

    def keep_link(self, digest: str, link: Link) -> None:
        """Keep a link, in place of every earlier one of its person."""

    def link(self, digest: str) -> Link | None:
        """Return a link that was not used."""

    def use_link(self, digest: str) -> bool:
        """Use a link up; of many who try at once, one is told True."""

    def keep(self, proposal: Proposal) -> None:
        """Keep a proposal, in place of its earlier state."""

    def drop(self, proposal: str) -> None:
        """Forget a proposal."""

    def proposals(self) -> list[Proposal]:
        """Return every proposal, the oldest first."""


class RootDrafts(Protocol):
    """The one draft of a next root: it waits, and counts for nothing."""

    def root(self) -> RootDraft | None:
        """Return it."""

    def keep_root(self, draft: RootDraft) -> None:
        """Keep it, in place of its earlier state."""

    def drop_root(self) -> None:
        """Forget it."""


class Followed(Protocol):
    """The facts, as far as they were followed: `assay.ledger.Follower`."""

    def fresh(self) -> None:
        """Return when they are within the lease; raises Stale."""

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a bound credential unless it or its person is revoked."""

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint followed to."""

    @property
    def root(self) -> Root:
        """The root in force."""

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any, and when it is revoked."""

    def catch_up(self) -> int:
        """Follow to the newest entry."""
