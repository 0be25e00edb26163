"""Who did what to what: the entry a service makes of a request before its answer leaves.

An entry holds ids: of the caller, the person, the tenant, what the path names, the policy, the trace. It never
holds a body, a query, a name of a person or what somebody wrote into a path that names nothing of ours.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from assay.contracts import Fact, FactKind, canonical
from assay.journal.journal import Draft, Journal
from assay.journal.lander import Lander
from assay.journal.naming import named_in
from assay.journal.refusals import Refusals
from assay.ledger import Record

TYPE: Final = "assay-access/v1"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_OPAQUE: Final = re.compile(r"(?:p|run|r|m)-[0-9a-f]{16,32}|[0-9]{1,6}|dev|test|prod")


class Kind(StrEnum):
    """What a route does, and so what is journaled of it."""

    READ = "read"
    CHANGE = "change"  # journaled unless the request appended a fact that names who asked: that is the entry
    UNJOURNALED = (
        "unjournaled"  # health, and the log itself that every part follows; refusals are journaled here too
    )


@dataclass(frozen=True)
class Access:
    """One request: `identity` is the certificate's, `action` the permission, `route` its template.

    `named` is what the path names (parameter -> text as it came); `trace` is 32 hex digits.
    """

    identity: str
    person: str | None
    tenant: str
    action: str
    route: str
    kind: Kind
    trace: str
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> str:
        """The identity and, where it is a service that acts for a person, for whom."""
        own = self.person is None or self.identity.endswith(f"/people/{self.person}")
        return self.identity if own else f"{self.identity} for {self.person}"


class Known:
    """What the facts name: words of every `about`, digests of every fact and its subjects. Kept in memory."""

    def __init__(self) -> None:
        self._next = 0
        self._words: set[str] = set()

    def applied(self) -> int:
        """See `assay.ledger.follower.Projection`."""
        return self._next

    def apply(self, record: Record) -> None:
        """See `assay.ledger.follower.Projection`; a journal's batch names nothing that is asked for."""
        if record.kind is not FactKind.JOURNAL:
            self._words.update(re.split(r"[/@]", record.about))
            self._words.add(record.digest)
            self._words.update(digest for _, digest in record.fact.subjects)
        self._next = record.index + 1

    def __contains__(self, word: str) -> bool:
        return word in self._words


@dataclass(frozen=True)
class Journaling:
    """A service's journal of accesses, with what lands it.

    `revision` gives the policy in force, `clock` the time (RFC 3339 in UTC), `known` says what the facts name.
    """

    journal: Journal
    refusals: Refusals
    lander: Lander
    revision: Callable[[], str]
    clock: Callable[[], str]
    known: Known = field(default_factory=Known)

    def require_room(self) -> None:
        """Return when another access may be answered for; raises why not (see `Journal.require_room`)."""
        self.journal.require_room()

    def allowed(self, access: Access, facts: Sequence[str] = ()) -> Draft:
        """Return the entry of a request that was answered; `facts` it appended do not say who asked for them."""
        appended = {"facts": list(facts)} if facts else {}
        return Draft(canonical(self._entry(access) | {"outcome": "allowed"} | appended))

    def refused(self, access: Access, refusal: str) -> Draft | None:
        """Return the entry of a refusal, or None when it only adds to a count that is journaled later."""
        action = access.action or access.route
        if not self.refusals.first(caller=access.caller, action=action, refusal=refusal):
            return None
        return Draft(canonical(self._entry(access) | {"outcome": "refused", "refusal": refusal}))

    def _entry(self, access: Access) -> dict[str, Any]:
        return {
            "type": TYPE,
            "time": self.clock(),
            "identity": access.identity,
            "person": access.person,
            "tenant": access.tenant,
            "action": access.action,
            "route": access.route,
            "kind": access.kind.value,
            "resource": {name: text for name, text in access.named.items() if self._is_ours(text)},
            "policy": self.revision(),
            "trace": access.trace,
        }

    def _is_ours(self, text: str) -> bool:
        """Say whether a text of a path is an id: of a form we make, or a word the facts say."""
        return bool(_OPAQUE.fullmatch(text)) or (bool(_NAME.fullmatch(text)) and text in self.known)


class Appended:
    """The facts a request appended; safe from the request's threads."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._lock = threading.Lock()

    def add(self, fact: Fact) -> None:
        """Take one."""
        with self._lock:
            self._facts.append(fact)

    def digests(self) -> list[str]:
        """Return the facts' digests, in order."""
        with self._lock:
            return [fact.digest for fact in self._facts]

    def name(self, *callers: str | None) -> bool:
        """Say whether there are facts and each names one of these: then they are the entries."""
        with self._lock:
            facts = list(self._facts)
        return bool(facts) and all(named_in(fact.body).intersection(callers) for fact in facts)
