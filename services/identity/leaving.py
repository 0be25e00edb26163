"""What stops counting at once: a lost passkey, and a person who leaves.

These are revocations, which one administrator may say: stopping must not wait for a second one. Coming back takes
what enrolling takes: a link, a new passkey, administrators' signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from assay.contracts import Fact, FactKind, Revocation, sha256_hex
from assay.errors import NotFound
from assay.identity.administrators import NEEDED, administrators
from assay.identity.statements import credential_about
from assay.ledger import Ledger, Record, Root
from services.identity.errors import LastAdministrators
from services.identity.ports import Followed


@dataclass(frozen=True)
class Leaving:
    """Revocations about people; `clock` is in seconds since 1970."""

    root: Root
    followed: Followed
    ledger: Ledger
    clock: Callable[[], float]

    def lose_passkey(self, person: str, credential_id: str, *, reason: str, by: str) -> None:
        """Revoke one credential; raises NotFound when it is none of this person's that counts."""
        self.followed.catch_up()
        if self.followed.credential(person, credential_id) is None:
            raise NotFound(f"{person[:63]} holds no such passkey")
        about = credential_about(person, credential_id)
        bound = [one for one in self._of(person, FactKind.CREDENTIAL) if one.about == about]
        if not bound:
            raise NotFound(
                "the root itself names this passkey",
                fix="let the person leave, or make the next root without it",
            )
        for record in bound:
            self._revoke(record.digest, record.about, reason, by)

    def leave(self, person: str, *, by: str) -> None:
        """End everything of a person: the person, their roles, their passkeys; their grants and certificates with it.

        The person is revoked first: that alone makes every edge refuse them, whatever comes after.

        Raises:
            LastAdministrators: fewer than two administrators would be left, who could never make another.
        """
        self.followed.catch_up()
        self._refuse_last(person)
        self._revoke(sha256_hex(f"person/{person}".encode()), f"person/{person}", "left", by)
        for kind in (FactKind.ROLE, FactKind.CREDENTIAL):
            for record in self._of(person, kind):
                self._revoke(record.digest, record.about, "left", by)

    def _refuse_last(self, person: str) -> None:
        left = administrators(self.followed, self.root, self.followed.tenant) - {person}
        if len(left) < NEEDED:
            raise LastAdministrators(f"{len(left)} administrators would be left")

    def _of(self, person: str, kind: FactKind) -> list[Record]:
        """Return facts about a person that stand: `credential/<person>/…`, `role/<tenant>/<person>/…`."""
        place = 2 if kind is FactKind.ROLE else 1
        found = [one for one in self.followed.records(kind) if one.about.split("/")[place] == person]
        return [one for one in found if self.followed.revoked(one.digest) is None]

    def _revoke(self, revokes: str, what: str, reason: str, by: str) -> None:
        if self.followed.revoked(revokes) is not None:
            return
        about = f"revocation/{revokes}"
        head = self.followed.head(about)
        body = Revocation(revokes=revokes, what=what, reason=reason, by=by)
        now = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        previous = head.digest if head else None
        fact = Fact(
            FactKind.REVOCATION,
            about,
            self.followed.tenant,
            now,
            body.model_dump(mode="json"),
            previous=previous,
        )
        self.ledger.append(fact)
        self.followed.catch_up()
