"""Delegation for absence: who lets whom decide in a role of theirs, until when. A fact by the one who is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from assay.contracts import Assertion, Delegation, Fact, FactKind, body_of
from assay.custody.approvals import SECOND, check_assertion
from assay.custody.facts import Facts
from assay.errors import BadRequest, HeadMoved
from assay.identity.statements import (
    DECIDERS,
    LONGEST_DELEGATION,
    delegated,
    delegation_about,
    delegation_statement,
)
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.errors import DelegationRefused, NotYours
from services.registry.usecases import Registry, person_of

_TAKEN: Final = ("person", "to", "role", "not_before", "until", "ended")


def lent(registry: Registry, person: str) -> list[Record]:
    """Return the delegations by which this person may decide for others now, in log order."""
    now = registry.now_ns() // SECOND
    found: list[Record] = []
    for record in standing(registry):
        body = body_of(record.fact, Delegation)
        held = body.role in registry.log.roles(body.person, registry.tenant)
        if body.to == person and body.not_before <= now < body.until and held:
            found.append(record)
    return found


def holder_of(facts: Facts, statement: Mapping[str, Any]) -> str:
    """Return for whom a statement is made, by the delegation it names; "" when for whoever makes it."""
    record = facts.record(str(statement["delegation"])) if "delegation" in statement else None
    return "" if record is None else body_of(record.fact, Delegation).person


def standing(registry: Registry) -> list[Record]:
    """Return the newest delegation of each person and role that is neither ended nor revoked, in log order."""
    log = registry.log
    heads = {
        one.about: log.head(one.about)
        for one in log.records(FactKind.DELEGATION, f"delegation/{registry.tenant}/")
    }
    return [
        head
        for head in heads.values()
        if head is not None and not body_of(head.fact, Delegation).ended and log.revoked(head.digest) is None
    ]


@dataclass(frozen=True)
class Delegating:
    """Statements of delegations, and the facts made of them."""

    registry: Registry

    def standing(self) -> list[dict[str, Any]]:
        """Return every delegation that stands, in log order."""
        return [delegation_view(record) for record in standing(self.registry)]

    def statement(
        self, *, to: str, role: str, until: datetime | None, ended: bool = False, by: Caller
    ) -> dict[str, Any]:
        """Return what the caller would sign to let somebody decide in their role, or to end that.

        Raises:
            NotYours: the caller is no person. DelegationRefused: it would not be taken.
        """
        person, registry = person_of(by), self.registry
        registry.log.catch_up()
        now = registry.now_ns() // SECOND
        end = now + 1 if until is None else int(until.timestamp())
        head = registry.log.head(delegation_about(registry.tenant, person, role))
        if ended:
            if head is None or body_of(head.fact, Delegation).ended:
                raise DelegationRefused(f"{person} has handed on no role {role[:63]!r}")
            before = body_of(head.fact, Delegation)
            to, now, end = before.to, before.not_before, before.until
        elif role not in DECIDERS & by.roles or to == person or not 0 < end - now <= LONGEST_DELEGATION:
            raise DelegationRefused(f"{person} cannot hand on {role[:63]!r} to {to[:63]!r} until then")
        elif not registry.log.roles(to, registry.tenant):
            raise DelegationRefused(f"{to[:63]!r} holds no role here at all")
        return delegation_statement(
            trust_domain=registry.root.trust_domain,
            tenant=registry.tenant,
            person=person,
            to=to,
            role=role,
            not_before=now,
            until=end,
            ended=ended,
            previous=head.digest if head else None,
        )

    def hand_in(self, assertion: Assertion, *, by: Caller) -> Record:
        """Take a signed delegation in; the same one again is the fact it already is.

        Raises:
            NotYours, DelegationRefused, ApprovalDoesNotCount, HeadMoved: it would not count.
        """
        person, registry = person_of(by), self.registry
        if assertion.person != person:
            raise NotYours(f"{person} hands in what {assertion.person[:63]} signed")
        registry.policy.require("registry/delegate", by)
        registry.log.catch_up()
        fact = self._fact(assertion)
        head = registry.log.head(fact.about)
        if head is not None and head.fact.body == fact.body and head.fact.previous == fact.previous:
            return head
        check_assertion(registry.root, registry.log, assertion)
        if fact.previous != (head.digest if head else None):
            raise HeadMoved(f"{fact.about} has moved since it was signed")
        return registry.commit(fact)

    def _fact(self, assertion: Assertion) -> Fact:
        """Return the fact that carries exactly what was signed; raises DelegationRefused."""
        said, registry = assertion.statement, self.registry
        try:
            taken = {member: said[member] for member in _TAKEN}
            body = Delegation(**taken, assertion=assertion).model_dump(mode="json")
            about = delegation_about(registry.tenant, str(said["person"]), str(said["role"]))
            fact = Fact(
                FactKind.DELEGATION, about, registry.tenant, registry.now(), body, previous=said["previous"]
            )
            if delegated(fact, registry.root.trust_domain) != said:
                raise DelegationRefused("the statement is no delegation of this platform")
        except (KeyError, TypeError, ValueError, BadRequest) as error:
            raise DelegationRefused(f"the statement is no delegation: {error!r}"[:300]) from error
        return fact


def delegation_view(record: Record) -> dict[str, Any]:
    """Return a delegation as its fact says it; times are seconds since 1970."""
    body = body_of(record.fact, Delegation)
    return {**body.model_dump(exclude={"assertion"}), "fact": record.digest, "time": record.fact.time}
