"""Facts out of an exported bundle: what it proves, and a refusal for whatever it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts import CredentialBound, FactKind, Revocation, RoleGranted, body_of
from assay.custody.errors import ChainBroken
from assay.identity.statements import credential_about, role_about

if TYPE_CHECKING:
    from assay.ledger import Record, Root, VerifiedBundle


class BundleFacts:
    """A `Facts` of one checkpoint. Asking for what the bundle proves nothing about raises ChainBroken."""

    def __init__(self, proven: VerifiedBundle, root: Root) -> None:
        self._proven = proven
        self._root = root

    def record(self, digest: str) -> Record | None:
        """See `Facts.record`."""
        return self._proven.records.get(digest)

    def head(self, about: str) -> Record | None:
        """See `Facts.head`."""
        if about not in self._proven.heads:
            raise ChainBroken(f"the bundle does not prove which fact about {about} is the newest")
        digest = self._proven.heads[about]
        if digest is None:
            return None
        if digest not in self._proven.records:
            raise ChainBroken(f"the bundle leaves out fact {digest[:12]}, the newest about {about}")
        return self._proven.records[digest]

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """See `Facts.records`; only those the bundle holds."""
        found = [r for r in self._proven.records.values() if kind is None or r.kind is kind]
        return sorted((r for r in found if r.about.startswith(about_prefix)), key=lambda record: record.index)

    def revoked(self, digest: str) -> Revocation | None:
        """See `Facts.revoked`."""
        if digest not in self._proven.revocations:
            raise ChainBroken(f"the bundle does not prove that {digest[:12]} is not revoked")
        return self._proven.revocations[digest]

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """See `Facts.roles`; those whose newest fact the bundle proves."""
        prefix = role_about(tenant, person, "")
        shown = {body_of(r.fact, RoleGranted).role for r in self.records(FactKind.ROLE, prefix)}
        return frozenset(role for role in shown if self._holds(role_about(tenant, person, role)))

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """See `Facts.credential`."""
        head = self.head(credential_about(person, credential_id))
        if head is None:
            return self._root.credential(person, credential_id)
        return None if self.revoked(head.digest) else body_of(head.fact, CredentialBound)

    def policy_revision(self) -> str:
        """Refuse: a bundle speaks of one prediction, not of the policy in force now."""
        raise ChainBroken("a bundle does not say which policy is in force now")

    def _holds(self, about: str) -> bool:
        head = self.head(about) if about in self._proven.heads else None
        if head is None or self.revoked(head.digest):
            return False
        return not body_of(head.fact, RoleGranted).ended
