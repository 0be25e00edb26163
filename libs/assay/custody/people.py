"""Facts about people, checked without a follower: each carries the word of enough administrators of its time.

An administrator of the root is one from the start; any other is one whose credential and role facts stand
before the fact they said. A follower checks this while it follows; a bundle has to show it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from assay.contracts import (
    Assertion,
    CredentialBound,
    FactKind,
    PolicyActivated,
    RoleGranted,
    body_of,
    canonical,
)
from assay.custody.errors import ChainBroken
from assay.custody.facts import Facts
from assay.errors import SignatureInvalid
from assay.identity.statements import (
    ADMINISTRATOR,
    administrators_needed,
    asserted,
    credential_about,
    role_about,
)

if TYPE_CHECKING:
    from assay.ledger import Record, Root

Founder = tuple[str, str]  # person, credential id


def with_administrators(
    facts: Facts, founders: Collection[Founder], records: Iterable[Record]
) -> dict[str, Record]:
    """Return these records and those that made their administrators ones, by digest."""
    found: dict[str, Record] = {}
    waiting = list(records)
    while waiting:
        record = waiting.pop()
        if record.digest not in found:
            found[record.digest] = record
            waiting += _behind(facts, founders, record)
    return found


def check_people(facts: Facts, root: Root, record: Record) -> None:
    """Return when enough administrators said a credential, role or policy fact; else SignatureInvalid."""
    wanted = asserted(record.fact, root.trust_domain)
    said: set[str] = set()
    for assertion in _assertions(record):
        if canonical(assertion.statement) != canonical(wanted):
            raise SignatureInvalid(f"an administrator's word in {record.about} is about something else")
        credential = _credential(facts, root, assertion, record)
        root.verify_person(assertion, credential)
        said.add(assertion.person)
    if len(said) < administrators_needed(record.fact):
        raise SignatureInvalid(f"{record.about} was said by {len(said)} administrators, which is too few")


def _assertions(record: Record) -> tuple[Assertion, ...]:
    if record.kind is FactKind.CREDENTIAL:
        return body_of(record.fact, CredentialBound).assertions
    if record.kind is FactKind.ROLE:
        return body_of(record.fact, RoleGranted).assertions
    return body_of(record.fact, PolicyActivated).assertions


def _behind(facts: Facts, founders: Collection[Founder], record: Record) -> list[Record]:
    others = [a for a in _assertions(record) if (a.person, a.credential_id) not in founders]
    return [shown for a in others for shown in _made_administrator(facts, a, record)]


def _made_administrator(facts: Facts, assertion: Assertion, record: Record) -> tuple[Record, Record]:
    """Return the credential and role facts by which a person was an administrator before a record."""
    bound = _before(
        facts, FactKind.CREDENTIAL, credential_about(assertion.person, assertion.credential_id), record
    )
    role = _before(
        facts, FactKind.ROLE, role_about(record.fact.tenant, assertion.person, ADMINISTRATOR), record
    )
    if body_of(role.fact, RoleGranted).ended:
        raise ChainBroken(f"{assertion.person} was no administrator any more when saying {record.about}")
    return bound, role


def _before(facts: Facts, kind: FactKind, about: str, record: Record) -> Record:
    found = [r for r in facts.records(kind, about) if r.about == about and r.index < record.index]
    if not found:
        raise ChainBroken(f"nothing about {about} stands before {record.about} in the log")
    return found[-1]


def _credential(facts: Facts, root: Root, assertion: Assertion, record: Record) -> CredentialBound:
    founder = root.credential(assertion.person, assertion.credential_id)
    if founder is not None:
        return founder
    bound, _ = _made_administrator(facts, assertion, record)
    return body_of(bound.fact, CredentialBound)
