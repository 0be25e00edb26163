"""Deciding for somebody who is away: which delegation an approval may stand on.

A delegation is a fact by the one who is away. It is no chain: only a role that was granted can be handed on. What was
said while it stood counts until the word's own end, which is never after the delegation's; ending it stops new words,
revoking it undoes those that stand on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts import Assertion, Delegation, FactKind, body_of, canonical
from assay.custody.chain import revoked_key, revoked_person
from assay.custody.errors import ApprovalDoesNotCount, SelfApproval
from assay.custody.facts import Facts
from assay.errors import ServiceError
from assay.identity.statements import delegated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assay.ledger import Record, Root


@dataclass(frozen=True)
class Word:
    """What is said for somebody: the statement, by whom, in which tenant and at which place of the log.

    `index` is None for what is about to be said. `at_ns` is when it has to count, nanoseconds since 1970.
    """

    statement: Mapping[str, Any]
    person: str
    tenant: str
    at_ns: int
    index: int | None = None


def away(facts: Facts, root: Root, word: Word, contributors: Collection[str]) -> str:
    """Return whose role a word uses, when its delegation lets it.

    Raises:
        ApprovalDoesNotCount: there is no such delegation, it was not in force, or has been revoked.
        SelfApproval: who is away had a hand in the version.
    """
    record = facts.record(str(word.statement["delegation"]))
    if record is None or record.kind is not FactKind.DELEGATION or record.fact.tenant != word.tenant:
        raise ApprovalDoesNotCount(f"{word.person} names a delegation that is none")
    body = body_of(record.fact, Delegation)
    _said(facts, root, record, body)
    if body.ended or (body.to, body.role) != (word.person, word.statement["role"]):
        raise ApprovalDoesNotCount(
            f"{body.person} did not let {word.person} decide as {word.statement['role']!r}"
        )
    if word.statement["expiry"] > body.until or word.at_ns < body.not_before * 1_000_000_000:
        raise ApprovalDoesNotCount(f"the delegation of {body.person} is not in force for all of that time")
    _stood(facts, record, word)
    if body.role not in facts.roles(body.person, word.tenant):
        raise ApprovalDoesNotCount(f"{body.person}, who is away, does not hold the role {body.role!r}")
    if body.person in contributors:
        raise SelfApproval(f"{body.person}, for whom {word.person} decides, contributed to the version")
    return body.person


def _said(facts: Facts, root: Root, record: Record, body: Delegation) -> None:
    """Return when the person's bound credential signed exactly this delegation."""
    assertion: Assertion = body.assertion
    credential = facts.credential(assertion.person, assertion.credential_id)
    if credential is None or assertion.person != body.person:
        raise ApprovalDoesNotCount(
            f"the delegation of {body.person} is by no credential of theirs that counts"
        )
    try:
        equal = canonical(assertion.statement) == canonical(delegated(record.fact, root.trust_domain))
        root.verify_person(assertion, credential)
    except ServiceError as error:
        raise ApprovalDoesNotCount(
            f"the delegation of {body.person} does not verify: {error.detail}"
        ) from error
    if not equal:
        raise ApprovalDoesNotCount(f"{body.person} signed something else than this delegation")


def _stood(facts: Facts, record: Record, word: Word) -> None:
    """Return when the delegation was the newest as the word was said, and is not revoked now."""
    later = after(facts, record)
    if word.index is None:
        stood = not later
    else:
        stood = record.index < word.index and (not later or word.index < later[-1].index)
    if not stood:
        raise ApprovalDoesNotCount(f"the delegation that {word.person} names did not stand when they spoke")
    person = body_of(record.fact, Delegation).person
    for key in (record.digest, revoked_key(record.signed.keyid), revoked_person(person)):
        if revocation := facts.revoked(key):
            raise ApprovalDoesNotCount(f"{revocation.what} was revoked: {revocation.reason}")


def after(facts: Facts, record: Record) -> list[Record]:
    """Return the facts that followed a delegation about the same thing, newest first."""
    found: list[Record] = []
    newest = facts.head(record.about)
    while newest is not None and newest.digest != record.digest:
        found.append(newest)
        newest = None if newest.fact.previous is None else facts.record(newest.fact.previous)
    if newest is None:
        raise ApprovalDoesNotCount(f"what followed the delegation {record.digest[:12]} is not all there")
    return found
