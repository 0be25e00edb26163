"""The next root as founders have it before them: one draft, whose signatures are gathered until it is a fact.

Nothing of a draft is in force. The last word it takes makes it the next root fact of the log, which everybody who
follows takes up; a draft that follows another root than the one in force can only be withdrawn.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from assay.contracts import Assertion, Fact, FactKind, sha256_hex
from assay.errors import Forbidden, NotFound
from assay.ledger import Ledger, Record
from assay.ledger.next_root import DraftStale, NextRoot, Quorum
from services.identity.errors import DraftWaits, SignedAlready
from services.identity.ports import Followed, RootDrafts


@dataclass(frozen=True)
class RootDraft:
    """What was drafted, by whom and when (seconds since 1970), and who said it so far."""

    statement: Mapping[str, Any]
    opened_by: str
    opened: int
    assertions: tuple[Assertion, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Standing:
    """A draft beside the root in force. `next` is None when it is stale: it follows another root."""

    draft: RootDraft
    next: NextRoot | None

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        """What the root in force, and the next one, each still need."""
        return self.next.quorums(self.draft.assertions) if self.next else ()

    def signed(self, person: str, credential_id: str) -> bool:
        """Say whether somebody has said it with that passkey."""
        return any(
            (person, credential_id) == (one.person, one.credential_id) for one in self.draft.assertions
        )


@dataclass(frozen=True)
class Successions:
    """The draft of the next root, from its beginning to its fact."""

    followed: Followed
    ledger: Ledger
    drafts: RootDrafts
    clock: Callable[[], float]
    turn: (
        threading.Lock
    )  # one word at a time: none is lost to another, and no policy comes in force meanwhile

    def open(self, statement: Mapping[str, Any], *, by: str) -> Standing:
        """Put a root before the founders; the same again is the same draft.

        Raises:
            BadRequest, DraftStale, SignatureInvalid: it is no root, or none that may follow the one in force.
            DraftWaits: another one waits already.
        """
        drafted = self._next(statement)
        kept = self.drafts.root()
        if kept is not None and dict(kept.statement) != dict(statement):
            raise DraftWaits("another draft of the next root waits already")
        draft = kept or RootDraft(dict(statement), by, int(self.clock()))
        self.drafts.keep_root(draft)
        return Standing(draft, drafted)

    def standing(self) -> Standing:
        """Return the draft that waits; raises NotFound."""
        kept = self.drafts.root()
        if kept is None:
            raise NotFound("no draft of a next root waits", fix="`assay rotate signing` makes one")
        try:
            return Standing(kept, self._next(kept.statement))
        except DraftStale:
            return Standing(kept, None)

    def sign(self, assertion: Assertion) -> Record | None:
        """Take a founder's word; the last one it takes makes the fact, which is returned.

        Raises:
            DraftStale: another root came in force since.
            SignatureInvalid, Forbidden: it says something else, or is by no founder.
            SignedAlready: this founder has said it with this passkey.
        """
        with self.turn:
            return self._sign(assertion)

    def _sign(self, assertion: Assertion) -> Record | None:
        standing = self.standing()
        drafted = self._next(standing.draft.statement)
        if self.followed.revoked(sha256_hex(f"person/{assertion.person}".encode())):
            raise Forbidden(f"{assertion.person} is revoked, and says no next root")
        drafted.speaks(assertion)
        if standing.signed(assertion.person, assertion.credential_id):
            raise SignedAlready(f"{assertion.person} has signed this draft already")
        signed = replace(standing.draft, assertions=(*standing.draft.assertions, assertion))
        self.drafts.keep_root(signed)
        if not all(one.met for one in drafted.quorums(signed.assertions)):
            return None
        return self._succeed(drafted, signed)

    def withdraw(self) -> None:
        """Take the draft back; raises NotFound."""
        self.standing()
        self.drafts.drop_root()

    def _next(self, statement: Mapping[str, Any]) -> NextRoot:
        self.followed.catch_up()
        return NextRoot.drafted(self.followed.root, statement)

    def _succeed(self, drafted: NextRoot, draft: RootDraft) -> Record:
        head = self.followed.head("root")
        fact = Fact(
            kind=FactKind.ROOT,
            about="root",
            tenant="",
            time=datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            body=json.loads(drafted.document(draft.assertions)),
            previous=head.digest if head else None,
        )
        record = self.ledger.append(fact)
        self.drafts.drop_root()
        self.followed.catch_up()
        return record
