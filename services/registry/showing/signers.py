"""Who signed for an environment, whose word counts and why another's does not, and who could still sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from assay.contracts import Delegation, Environment, FactKind, body_of
from assay.custody.approvals import said_conditions
from assay.identity.statements import DECIDERS
from assay.ledger import Record
from services.registry.delegating import holder_of, lent
from services.registry.domain import WordRow
from services.registry.showing.gates import ShownGate
from services.registry.usecases import Registry

SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class ShownWord:
    """What somebody said last; `why_not` is why it does not count, `expires` in seconds since 1970 (0: never).

    `holder` is for whom they spoke, "" for themselves; `conditions` are in words.
    """

    person: str
    role: str
    kind: FactKind
    environment: str
    fact: str
    time: str
    counts: bool
    reason: str = ""
    why_not: str = ""
    expires: float = 0
    holder: str = ""
    conditions: Sequence[str] = ()

    @property
    def verb(self) -> str:
        """What they did."""
        return {FactKind.APPROVAL: "approved", FactKind.REJECTION: "rejected"}.get(self.kind, "withdrew")


@dataclass(frozen=True)
class Candidate:
    """Somebody who may decide, for `holder` where it is not for themselves; `why_not` is why it would not count."""

    person: str
    roles: tuple[str, ...]
    why_not: str = ""
    holder: str = ""


def words_shown(
    registry: Registry, model: str, number: int, environment: Environment, gate: ShownGate
) -> list[ShownWord]:
    """Return what people said last for an environment, oldest first."""
    words = registry.believed.words(model, number)
    said = [record for record in words if record.fact.environment is environment]
    return [_word(registry, record, gate) for record in sorted(said, key=lambda record: record.index)]


def candidates_shown(
    registry: Registry, people: Iterable[str], words: Sequence[ShownWord], contributors: frozenset[str]
) -> list[Candidate]:
    """Return which of these people could still sign, those who may first; who signed already is left out."""
    spoke = {word.person for word in words}
    signed = {who for word in words if word.counts for who in (word.person, word.holder)}
    holding = {person: registry.log.roles(person, registry.tenant) & DECIDERS for person in people}
    found = [
        Candidate(person, tuple(sorted(roles)), "contributed" if person in contributors else "")
        for person, roles in holding.items()
        if roles and person not in signed
    ]
    found += [
        Candidate(
            person, (body.role,), "contributed" if {person, body.person} & contributors else "", body.person
        )
        for person, roles in holding.items()
        for body in (body_of(one.fact, Delegation) for one in lent(registry, person))
        if body.role not in roles and person not in signed and body.person not in spoke | signed
    ]
    return sorted(found, key=lambda one: (one.why_not, one.person, one.holder))


def _word(registry: Registry, record: Record, gate: ShownGate) -> ShownWord:
    row = WordRow.of(record)
    statement = record.fact.body["assertion"]["statement"]
    counted = {a.record.digest: a for a in gate.judgement.approvals} if gate.judgement else {}
    expires_ns = counted[row.fact].expires_ns if row.fact in counted else None
    return ShownWord(
        row.person,
        str(statement.get("role", "")),
        record.kind,
        row.environment,
        row.fact,
        record.fact.time,
        row.fact in counted,
        str(statement.get("reason", "")),
        _why_not(registry, record, gate),
        expires_ns / SECOND_NS if expires_ns else 0,
        holder_of(registry.log, statement),
        said_conditions(record).words(),
    )


def _why_not(registry: Registry, record: Record, gate: ShownGate) -> str:
    revoked = registry.log.revoked(record.digest)
    if revoked is not None:
        return f"revoked: {revoked.reason}"
    if gate.judgement is None:
        return gate.refused.detail if gate.refused else ""
    return gate.judgement.dropped.get(record.digest, "")
