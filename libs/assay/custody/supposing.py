"""Facts as they would stand if one more thing were revoked: for a look ahead, never for deciding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts import CredentialBound, FactKind, Revocation
from assay.custody.chain import revoked_person
from assay.custody.facts import Facts
from assay.identity.statements import credential_about, role_about

if TYPE_CHECKING:
    from assay.ledger import Record


@dataclass(frozen=True)
class Supposing:
    """`Facts` with one revocation more."""

    facts: Facts
    revocation: Revocation

    def record(self, digest: str) -> Record | None:
        """Return the fact of that digest: a revocation removes nothing."""
        return self.facts.record(digest)

    def head(self, about: str) -> Record | None:
        """Return the newest fact about one thing."""
        return self.facts.head(about)

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""
        return self.facts.records(kind, about_prefix)

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest, or the one supposed."""
        return self.revocation if digest == self.revocation.revokes else self.facts.revoked(digest)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person would still hold in a tenant."""
        if self._is(revoked_person(person)):
            return frozenset()
        held = self.facts.roles(person, tenant)
        return frozenset(role for role in held if not self._is_head(role_about(tenant, person, role)))

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's credential, unless it would not count any more."""
        if self._is(revoked_person(person)) or self._is_head(credential_about(person, credential_id)):
            return None
        return self.facts.credential(person, credential_id)

    def policy_revision(self) -> str:
        """Return the revision of the policy that would be in force."""
        return "" if self._is_head("policy") else self.facts.policy_revision()

    def _is(self, digest: str) -> bool:
        return digest == self.revocation.revokes

    def _is_head(self, about: str) -> bool:
        head = self.facts.head(about)
        return head is not None and self._is(head.digest)
