"""What a revocation would stop, before anybody says it: versions, approvals, aliases, endpoints.

Everything that stands is judged twice by the rules in force, as the log is and as it would be. It is a look ahead and
not the revocation: who stops is said by every loader for itself, from the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.contracts import Approval, Environment, FactKind, Revocation, Version, body_of
from assay.custody.approvals import count_approval
from assay.custody.chain import Chain, chain
from assay.custody.facts import Facts
from assay.custody.judging import approvable, rejudge, require_standing, standing_now
from assay.custody.shown import kinds_shown
from assay.custody.supposing import Supposing
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
        words = [self._word(one, after) for one in self._heads(FactKind.APPROVAL)]
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
        before, then = self._usable(self.registry.log, whole), self._usable(after, whole)
        loses = standing_now(self.registry.log, whole) != standing_now(after, whole)
        if before == then and not loses:
            return None
        body = body_of(record.fact, Version)
        why = then or "loses a piece of its evidence"
        return Touched(
            f"{body.model} v{body.number}", body.model, body.number, before == "" and then != "", why
        )

    def _usable(self, facts: Facts, whole: Chain) -> str:
        """Return why a version may not be used at all; "" when it may."""
        try:
            require_standing(facts, self.registry.root, whole)
        except ServiceError as error:
            return error.detail
        return ""

    def _word(self, record: Record, after: Supposing) -> Touched | None:
        before, then = self._counts(self.registry.log, record), self._counts(after, record)
        if before == then:
            return None
        row = WordRow.of(record)
        about = f"{row.person} for {row.environment}"
        return Touched(about, row.model, row.number, before == "" and then != "", then)

    def _counts(self, facts: Facts, record: Record) -> str:
        """Return why an approval does not count, whether its version may be used or not; "" when it does."""
        registry, row = self.registry, WordRow.of(record)
        try:
            whole = standing_now(facts, chain(facts, body_of(record.fact, Approval).version))
            kinds = kinds_shown(whole, registry.packages.card(whole.body.package))
            about = approvable(whole, registry.root, Environment(row.environment), kinds)
            count_approval(facts, registry.root, record, about, at_ns=registry.now_ns())
        except ServiceError as error:
            return error.detail
        return ""

    def _moved(self, record: Record, after: Supposing) -> Touched | None:
        before, then = self._judged(self.registry.log, record), self._judged(after, record)
        if before == then:
            return None
        number, model = int(record.fact.body["number"]), str(record.fact.body["model"])
        return Touched(record.about, model, number, before == "" and then != "", then)

    def _judged(self, facts: Facts, record: Record) -> str:
        """Return why what an alias or rollout names may not be used; "" when it may."""
        try:
            registry = self.registry
            verdict = rejudge(
                facts, registry.root, registry.policy, move=record.digest, now_ns=registry.now_ns()
            ).verdict
        except ServiceError as error:
            return error.detail
        missing = "; ".join(entry["what"] for entry in verdict.missing)
        return "" if verdict.passed is True else f"its gate lacks: {missing}"


def blast_view(found: BlastRadius) -> dict[str, Any]:
    """Return a blast radius as JSON."""
    parts = ("versions", "approvals", "aliases", "endpoints")
    shown = {name: [vars(one) for one in getattr(found, name)] for name in parts}
    return {"kind": found.kind, "revokes": found.revokes, **shown, "unchanged": found.unchanged}
