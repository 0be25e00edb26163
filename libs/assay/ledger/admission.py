"""Whether an entry counts: its key, its place, what it is about, and what people say in it.

The ledger asks before it appends and every follower asks again, with the same words and the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from assay.contracts import (
    Approval,
    Assertion,
    Conditions,
    CredentialBound,
    Delegation,
    Fact,
    FactKind,
    PolicyActivated,
    RoleGranted,
    SignedFact,
    body_of,
    canonical,
    sha256_hex,
)
from assay.errors import BadRequest, SignatureInvalid
from assay.identity.statements import (
    APPROVAL,
    DECIDERS,
    LONGEST_DELEGATION,
    administrators_needed,
    asserted,
    delegated,
    may_say,
)
from assay.ledger.abouts import check_about, owned_name
from assay.ledger.errors import NameOwned
from assay.ledger.known import DECISIONS, Known
from assay.ledger.root import SignerEntry
from assay.ledger.succession import succeeded

RootAt = Callable[[int], bytes]
_ADMINISTERED: Final[Mapping[FactKind, type[CredentialBound | RoleGranted | PolicyActivated]]] = (
    MappingProxyType(
        {FactKind.CREDENTIAL: CredentialBound, FactKind.ROLE: RoleGranted, FactKind.POLICY: PolicyActivated}
    )
)
_PLATFORMS: Final = frozenset({FactKind.CREDENTIAL, FactKind.POLICY})
_VERBS: Final = MappingProxyType(
    {FactKind.APPROVAL: "approve", FactKind.REJECTION: "reject", FactKind.WITHDRAWAL: "withdraw"}
)


def admit(known: Known, signed: SignedFact, index: int, root_at: RootAt) -> SignerEntry:
    """Return the signer under which an entry counts at `index`, after everything `known` has taken.

    `root_at(n)` is the log's root at size n. That `previous` is the head is the caller's to check.

    Raises:
        SignatureInvalid, BadRequest: it does not count.
    """
    fact = signed.fact
    entry = known.root.verify(signed, index)
    if known.revoked(sha256_hex(f"key/{signed.keyid}".encode())):
        raise SignatureInvalid(f"key {signed.keyid[:12]} is revoked")
    check_about(fact, known.root.trust_domain)
    _check_owner(known, fact)
    if index == 0 and fact.kind is not FactKind.ROOT:
        raise SignatureInvalid("entry 0 of a log is its root")
    if fact.kind is FactKind.ROOT:
        _check_root(known, fact, index)
    elif fact.kind in _ADMINISTERED:
        _check_administrators(known, fact)
    elif fact.kind is FactKind.DELEGATION:
        _check_delegation(known, fact)
    elif fact.kind in DECISIONS:
        _check_decision(known, fact, index, root_at)
    return entry


def _check_owner(known: Known, fact: Fact) -> None:
    """A name belongs to the tenant that used it first; credentials and policy are the platform's own."""
    name = owned_name(fact.kind, fact.about)
    if name is not None and known.owner(name) not in {None, fact.tenant}:
        raise NameOwned(f"{name} belongs to another tenant than {fact.tenant}")
    if fact.kind in _PLATFORMS and fact.tenant != (known.tenant or fact.tenant):
        raise SignatureInvalid(f"{fact.about} is for the platform's own tenant to say, not for {fact.tenant}")


def _check_root(known: Known, fact: Fact, index: int) -> None:
    if index:
        _refuse_revoked_founders(known, fact)
        succeeded(known.root, fact, index)
        return
    payload = fact.body.get("payload")
    if sha256_hex(canonical(payload)) != known.root.fingerprint:
        raise SignatureInvalid("the log begins with another root than the pinned one")


def _refuse_revoked_founders(known: Known, fact: Fact) -> None:
    """A founder who was let go says no next root: the root alone still names them."""
    said = fact.body.get("assertions")
    for one in said if isinstance(said, list | tuple) else ():
        person = one.get("person") if isinstance(one, Mapping) else None
        if known.revoked(sha256_hex(f"person/{person}".encode())):
            raise SignatureInvalid(
                f"{person} is revoked, and says no next root",
                fix="let other founders say it, or end the revocation first: `assay reinstate`",
            )


def _check_administrators(known: Known, fact: Fact) -> None:
    """Enough different administrators said exactly this, after the fact before it."""
    statement = canonical(asserted(fact, known.root.trust_domain))
    assertions: Sequence[Assertion] = body_of(fact, _ADMINISTERED[fact.kind]).assertions
    said = set()
    for assertion in assertions:
        if canonical(assertion.statement) != statement:
            raise SignatureInvalid(f"{assertion.person} asserts something else than this {fact.kind} says")
        _verify(known, assertion)
        if not known.roles(assertion.person, fact.tenant) & may_say(fact):
            raise SignatureInvalid(f"{assertion.person} is no administrator of {fact.tenant}")
        said.add(assertion.person)
    if len(said) < (needed := administrators_needed(fact)):
        raise SignatureInvalid(
            f"{len(said)} administrators say {fact.about} and {needed} must",
            fix="let another administrator assert the same statement",
        )


def _check_decision(known: Known, fact: Fact, index: int, root_at: RootAt) -> None:
    """The person in `about` said exactly this decision, once, having seen this very log."""
    body = body_of(fact, Approval)
    said = body.assertion.statement
    _must_say(said, _decided(known, fact, body))
    _verify(known, body.assertion)
    if known.is_spent(body.assertion):
        raise SignatureInvalid(f"{body.assertion.person} said this once, and an earlier fact carries it")
    limits = Conditions.read(said.get("conditions"))
    if fact.kind is FactKind.APPROVAL:
        _check_role(known, fact, body.assertion)
    elif limits != Conditions():
        raise SignatureInvalid(f"only an approval carries conditions, and this is a {fact.kind}")
    size = said.get("log_size")
    if type(size) is not int or not 0 <= size <= index or root_at(size).hex() != said.get("log_root"):
        raise SignatureInvalid(f"{body.assertion.person} decided on another log than this one (size {size})")


def _check_role(known: Known, fact: Fact, assertion: Assertion) -> None:
    """The person holds the role claimed, or stands in for somebody who does, until no later than that lasts."""
    said, person = assertion.statement, assertion.person
    if "delegation" not in said:
        if said.get("role") not in known.roles(person, fact.tenant):
            raise SignatureInvalid(f"{person} does not hold the role {said.get('role')!r}")
        return
    standing = known.delegation(str(said["delegation"]), fact.tenant)
    if standing is None or (standing.to, standing.role) != (person, said.get("role")):
        raise SignatureInvalid(f"no delegation stands by which {person} decides as {said.get('role')!r}")
    if f"{fact.about.rpartition('/')[0]}/{standing.person}" in known.heads:
        raise SignatureInvalid(f"{standing.person} has spoken for themselves, and {person} does not any more")
    expiry = said.get("expiry")
    if type(expiry) is not int or expiry > standing.until:
        raise SignatureInvalid(f"the word of {person} would outlast the delegation it stands on")


def _check_delegation(known: Known, fact: Fact) -> None:
    """The person said exactly this; what they hand on is a role they hold, to another, for a while."""
    body = body_of(fact, Delegation)
    if body.assertion.person != body.person:
        raise SignatureInvalid(f"{body.assertion.person} hands on a role of {body.person}")
    if canonical(body.assertion.statement) != canonical(delegated(fact, known.root.trust_domain)):
        raise SignatureInvalid(f"{body.person} asserts something else than this delegation says")
    _verify(known, body.assertion)
    if body.ended:
        return
    if body.role not in DECIDERS & known.roles(body.person, fact.tenant):
        raise SignatureInvalid(f"{body.person} holds no role {body.role!r} that could be handed on")
    if body.to == body.person or not 0 < body.until - body.not_before <= LONGEST_DELEGATION:
        raise SignatureInvalid("a delegation is to another person, and for 92 days at most")


def _decided(known: Known, fact: Fact, body: Approval) -> dict[str, Any]:
    return {
        "type": APPROVAL,
        "version": 1,
        "trust_domain": known.root.trust_domain,
        "tenant": fact.tenant,
        "model": body.model,
        "number": body.number,
        "verb": _VERBS[fact.kind],
        "environment": str(fact.environment),
        "person": body.assertion.person,
    }


def _must_say(statement: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for member, value in expected.items():
        if member not in statement or canonical(statement[member]) != canonical(value):
            raise SignatureInvalid(f"the assertion says another {member} than the fact that carries it")


def _verify(known: Known, assertion: Assertion) -> None:
    credential = known.credential(assertion.person, assertion.credential_id)
    if credential is None:
        raise SignatureInvalid(f"{assertion.person} has no such credential, or it is revoked")
    try:
        known.root.verify_person(assertion, credential)
    except BadRequest as error:
        raise SignatureInvalid(f"the assertion of {assertion.person} is malformed: {error}") from error
