"""What a revocation would stop, before anybody says it: versions, approvals, aliases, endpoints.

Everything that stands is judged twice by the rules in force, as the log is and as it would be. It is a look ahead and
not the revocation: who stops is said by every loader for itself, from the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.contracts import FactKind, Revocation, Version, body_of
from assay.custody.chain import chain, revoked_key, revoked_person
from assay.custody.facts import Facts
from assay.custody.supposing import Supposing
from assay.custody.verify import rejudge, standing_now
from assay.errors import ServiceError
from assay.ledger import Record
from services.registry.domain import WordRow
from services.registry.errors import UnknownFact
from services.registry.usecases import Registry

MOVES = (FactKind.ALIAS, FactKind.ROLLOUT)


@dataclass(frozen=True)
class Touched:
    """Something that stands on what would be revoked. `stops`: it could be used before, and not after."""

    about: str
    model: str
    number: int
    stops: bool
    why: str


@dataclass(frozen=True)
class BlastRadius:
    """What a revocation would touch. `unchanged`: it is revoked already."""

    kind: str
    revokes: str
    versions: tuple[Touched, ...]
    approvals: tuple[Touched, ...]
    aliases: tuple[Touched, ...]
    endpoints: tuple[Touched, ...]
    unchanged: bool

    @property
    def stopped(self) -> int:
        """How many versions, aliases and endpoints would stop."""
        return sum(one.stops for one in (*self.versions, *self.aliases, *self.endpoints))


@dataclass(frozen=True)
class Revoking:
    """Looks ahead of a revocation; nothing is written."""

    registry: Registry

    def preview(self, revokes: str, *, what: str) -> BlastRadius:
        """Return what revoking a fact (by digest), or the SHA-256 of `what`, would touch.

        Walks every version of the tenant and judges every standing alias and endpoint: time grows with both.

        Raises:
            UnknownFact: it is no fact of this ledger, and not the SHA-256 of a key, person, identity or dependency.
        """
        registry, log = self.registry, self.registry.log
        log.catch_up()
        kind = registry.revocable(revokes, what)
        after = Supposing(log, Revocation(revokes=revokes, what=what, reason="supposing this", by=""))
        moves = [one for head in MOVES for one in self._heads(head)]
        touched = {record.about: self._moved(record, after) for record in moves}
        versions = [self._version(record, after) for record in log.records(FactKind.VERSION)]
        words = [self._word(one, revokes) for one in self._heads(FactKind.APPROVAL)]
        return BlastRadius(
            kind=kind,
            revokes=revokes,
            versions=tuple(one for one in versions if one is not None),
            approvals=tuple(one for one in words if one is not None),
            aliases=tuple(t for a, t in touched.items() if t is not None and a.startswith("alias/")),
            endpoints=tuple(t for a, t in touched.items() if t is not None and a.startswith("endpoint/")),
            unchanged=log.revoked(revokes) is not None,
        )

    def said(self, fact: str) -> Revocation:
        """Return what a revocation fact says; raises UnknownFact."""
        record = self.registry.log.record(fact)
        if record is None or record.kind is not FactKind.REVOCATION:
            raise UnknownFact(f"{fact[:12]} is no revocation")
        return body_of(record.fact, Revocation)

    def _heads(self, kind: FactKind) -> list[Record]:
        """Return the newest fact about each thing of a kind, while it is of that kind."""
        log = self.registry.log
        heads = {one.about: log.head(one.about) for one in log.records(kind)}
        return [
            head
            for head in heads.values()
            if head is not None and head.kind is kind and head.fact.tenant == self.registry.tenant
        ]

    def _version(self, record: Record, after: Supposing) -> Touched | None:
        if record.fact.tenant != self.registry.tenant:
            return None
        try:
            whole = chain(self.registry.log, record.digest)
        except ServiceError:
            return None  # it cannot be used as it is
        evidence = standing_now(self.registry.log, whole)
        stated = {one.digest for one in (*whole.evaluations, *whole.evidence)}
        keys = evidence.revocation_keys()
        if after.revocation.revokes not in keys:
            return None
        only_evidence = after.revocation.revokes in stated or evidence != standing_now(after, whole)
        stops = not only_evidence and not any(self.registry.log.revoked(key) for key in keys)
        body = body_of(record.fact, Version)
        why = "loses a piece of its evidence" if only_evidence else "may not be used at all"
        return Touched(f"{body.model} v{body.number}", body.model, body.number, stops, why)

    def _word(self, record: Record, revokes: str) -> Touched | None:
        row = WordRow.of(record)
        if revokes not in {record.digest, revoked_key(record.signed.keyid), revoked_person(row.person)}:
            return None
        stops = self.registry.log.revoked(record.digest) is None
        about = f"{row.person} for {row.environment}"
        return Touched(about, row.model, row.number, stops, "does not count any more")

    def _moved(self, record: Record, after: Supposing) -> Touched | None:
        before, then = self._judged(self.registry.log, record), self._judged(after, record)
        if before == then:
            return None
        number, model = int(record.fact.body["number"]), str(record.fact.body["model"])
        return Touched(record.about, model, number, before == "" and then != "", then)

    def _judged(self, facts: Facts, record: Record) -> str:
        """Return why what an alias or rollout names may not be used; "" when it may."""
        try:
            verdict = rejudge(facts, self.registry.root, self.registry.policy, move=record.digest).verdict
        except ServiceError as error:
            return error.detail
        missing = "; ".join(entry["what"] for entry in verdict.missing)
        return "" if verdict.passed is True else f"its gate lacks: {missing}"


def blast_view(found: BlastRadius) -> dict[str, Any]:
    """Return a blast radius as JSON."""
    parts = ("versions", "approvals", "aliases", "endpoints")
    shown = {name: [vars(one) for one in getattr(found, name)] for name in parts}
    return {"kind": found.kind, "revokes": found.revokes, **shown, "unchanged": found.unchanged}
