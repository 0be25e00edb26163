"""Where custody reads facts: the follower, or an exported bundle. Both give verified records only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from assay.contracts import CredentialBound, FactKind, Revocation

if TYPE_CHECKING:
    from assay.ledger import Record


class Facts(Protocol):
    """Verified facts of one log, as far as its reader has followed it."""

    def record(self, digest: str) -> Record | None:
        """Return the fact of that digest, if it is in the log."""
        ...

    def head(self, about: str) -> Record | None:
        """Return the newest fact about one thing."""
        ...

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""
        ...

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest (of a fact, or of `key/…`, `person/…`, `identity/…`)."""
        ...

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""
        ...

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's bound credential, unless it is revoked."""
        ...

    def policy_revision(self) -> str:
        """Return the revision of the policy in force."""
        ...
