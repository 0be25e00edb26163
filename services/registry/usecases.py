"""What the registry does, each request as a sentence: load, authorise, decide, append the fact, project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.contracts import (
    Alias,
    Environment,
    Fact,
    FactKind,
    Revocation,
    Version,
    body_of,
    sha256_hex,
)
from assay.custody import (
    Judgement,
    judge,
)
from assay.custody.supposing import Supposing
from assay.identity.administrators import NEEDED, administrators
from assay.ledger import Ledger, Record, Root
from assay.policy import Policy
from assay.web.caller import Caller
from services.registry.believing import Believed
from services.registry.domain import VersionRow, alias_about, check_alias
from services.registry.errors import (
    AliasMoved,
    NothingRevoked,
    NotYours,
    NoWayBack,
    UnknownFact,
    UnknownPackage,
)
from services.registry.packages import Packages
from services.registry.ports import Log

CARRIERS = frozenset({"identity/svc/core/ledger", "identity/svc/core/registry"})
"""Without these no revocation can be said to have ended."""


@dataclass(frozen=True)
class Registry:
    """The models of one tenant. `now` gives RFC 3339 in UTC, `now_ns` nanoseconds since 1970."""

    tenant: str
    root: Root
    ledger: Ledger
    log: Log
    policy: Policy
    packages: Packages
    believed: Believed
    now: Callable[[], str]
    now_ns: Callable[[], int]

    def of_package(self, package: str) -> VersionRow:
        """Return the newest version with a package; its model signature is that of the bytes."""
        for record in reversed(self.log.records(FactKind.VERSION, f"model/{self.tenant}/")):
            row = VersionRow.of(record)
            if row.package == package:
                return row
        raise UnknownPackage(f"no version has package {package[:64]!r}")

    # ---- judging and promoting

    def judged(
        self, model: str, number: int, environment: Environment, endpoint: str | None = None
    ) -> Judgement:
        """Judge a version for an environment, or an endpoint of it; the gate may not have passed."""
        record = self.believed.version(model, number)
        card = self.packages.card(body_of(record.fact, Version).package)
        return judge(
            self.log,
            self.root,
            self.policy,
            version=record.digest,
            environment=environment,
            card=card,
            now_ns=self.now_ns(),
            endpoint=endpoint,
        )

    def judged_somewhere(self, model: str, number: int, environment: Environment) -> Judgement:
        """Judge a version for an environment; where that fails, for the endpoints its approvers limited it to."""
        whole = self.judged(model, number, environment)
        named = sorted({name for one in whole.limited for name in one.conditions.endpoints})
        if whole.verdict.passed is True or not named:
            return whole
        each = (self.judged(model, number, environment, endpoint) for endpoint in named)
        return next((one for one in each if one.verdict.passed is True), whole)

    def promote(
        self,
        model: str,
        alias: str,
        *,
        number: int,
        environment: Environment,
        by: Caller,
        previous: str | None = None,
    ) -> Record:
        """Make an alias name a version whose gate is met; `previous` is the move the caller last saw, if any.

        Raises:
            GateNotMet: what is missing, and how to get it.
            AliasMoved, HeadMoved: somebody moved it meanwhile.
        """
        check_alias(alias)
        self.log.catch_up()
        version = self.believed.version(model, number)
        resource = {"tenant": version.fact.tenant, "model": model, "environment": environment.value}
        resource["tier"] = body_of(version.fact, Version).tier
        self.policy.require("registry/promote", by, resource)
        head = self.log.head(alias_about(environment.value, model, alias))
        if previous is not None and previous != (head.digest if head else None):
            raise AliasMoved(
                f"{model}@{alias} is at {head.digest[:12] if head else 'nothing'}, not {previous[:12]}"
            )
        judgement = self.judged(model, number, environment).require()
        body = Alias(
            model=model,
            alias=alias,
            number=number,
            version=judgement.chain.version.digest,
            approvals=tuple(approval.record.digest for approval in judgement.approvals),
            evidence=judgement.evidence,
            policy=judgement.verdict.revision,
        )
        about = alias_about(environment.value, model, alias)
        return self.commit(self.fact(FactKind.ALIAS, about, body.model_dump(mode="json"), head, environment))

    # ---- revoking

    def revoke(
        self, revokes: str, *, what: str, reason: str, by: Caller, no_way_back: bool = False
    ) -> Record:
        """Say that a fact, key, person or identity no longer counts; again is the same revocation.

        `revokes` is a fact's digest, or the SHA-256 of `what` when that is `key/…`, `person/…`,
        `identity/…` or `dependency/…`.

        Raises:
            NoWayBack: nobody insists, and it is the ledger or this registry, without which no revocation ends, or
                it would leave fewer than two administrators, who could never make another.
        """
        if by.person is None:
            raise NotYours("only a person revokes")
        self.log.catch_up()
        kind = self.revocable(revokes, what)
        self.policy.require("registry/revoke", by, {"kind": kind})
        about = f"revocation/{revokes}"
        head = self.log.head(about)
        if head is not None and self.log.revoked(revokes):
            return head
        body = Revocation(revokes=revokes, what=what, reason=reason, by=by.person)
        if not no_way_back:
            self._refuse_last(body)
        return self.commit(self.fact(FactKind.REVOCATION, about, body.model_dump(mode="json"), head))

    def _refuse_last(self, revocation: Revocation) -> None:
        """Return when a revocation leaves what could end it."""
        if revocation.what in CARRIERS:
            raise NoWayBack(f"{revocation.what} is needed to end a revocation")
        left = administrators(Supposing(self.log, revocation), self.root, self.tenant)
        if len(left) < NEEDED and left != administrators(self.log, self.root, self.tenant):
            raise NoWayBack(f"{len(left)} administrators would be left, who could never make another")

    def reinstate(self, revokes: str, *, what: str, reason: str, by: Caller) -> Record:
        """End a revocation: from here on it counts again.

        Raises:
            NothingRevoked: no such revocation stands.
        """
        if by.person is None:
            raise NotYours("only a person ends a revocation")
        self.log.catch_up()
        self.policy.require("registry/reinstate", by, {"kind": self.revocable(revokes, what)})
        about = f"revocation/{revokes}"
        head = self.log.head(about)
        if head is None or self.log.revoked(revokes) is None:
            raise NothingRevoked(f"{what[:80]!r} is not revoked")
        body = Revocation(revokes=revokes, what=what, reason=reason, by=by.person, ended=True)
        return self.commit(self.fact(FactKind.REVOCATION, about, body.model_dump(mode="json"), head))

    def revocable(self, revokes: str, what: str) -> str:
        """Return the kind of what would be revoked; raises UnknownFact."""
        record = self.log.record(revokes)
        if record is not None:
            return record.kind.value
        kind, _, name = what.partition("/")
        if (
            kind in {"key", "person", "identity", "dependency"}
            and name
            and sha256_hex(what.encode()) == revokes
        ):
            return kind
        raise UnknownFact(f"{revokes[:12]} is no fact of this ledger, and not the SHA-256 of {what[:80]!r}")

    # ---- shared

    def fact(
        self,
        kind: FactKind,
        about: str,
        body: Mapping[str, Any],
        head: Record | None,
        environment: Environment | None = None,
        subjects: tuple[tuple[str, str], ...] = (),
    ) -> Fact:
        """Return a fact that follows a head, said now."""
        previous = head.digest if head else None
        return Fact(kind, about, self.tenant, self.now(), body, subjects, environment, previous)

    def commit(self, fact: Fact) -> Record:
        """Append a fact, which is the commit, and follow up to it, which projects it."""
        record = self.ledger.append(fact)
        self.log.catch_up()
        return record


def person_of(by: Caller) -> str:
    """Return the person who acts by their own certificate or session; raises NotYours for anybody on their behalf."""
    person = by.identity.person
    if person is None:
        raise NotYours("only a person does this, and nobody on their behalf", fix="use your own certificate")
    return person
