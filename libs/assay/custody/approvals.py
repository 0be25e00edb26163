"""Which approvals count: the assertion, the credential, the role, and every member of the statement.

An approval is a real person's word about one version for one environment. It counts when the bound credential
signed exactly that, it is the newest word of that person there, its evidence still stands, it was never said
before, it is in force, and its person holds the role and had no hand in what is approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import (
    Approval,
    Assertion,
    Conditions,
    Environment,
    FactKind,
    Version,
    body_of,
    canonical,
    sha256_hex,
)
from assay.custody.chain import revoked_key, revoked_person
from assay.custody.delegations import Word, away
from assay.custody.errors import ApprovalDoesNotCount, SelfApproval, WrongSubject
from assay.custody.facts import Facts
from assay.errors import ServiceError
from assay.identity.statements import approval_statement

if TYPE_CHECKING:
    from assay.ledger import Record, Root

SECOND: Final = 1_000_000_000
LONGEST: Final = 366 * 86_400  # seconds a word may hold
VERBS: Final[Mapping[FactKind, str]] = {
    FactKind.APPROVAL: "approve",
    FactKind.REJECTION: "reject",
    FactKind.WITHDRAWAL: "withdraw",
}


@dataclass(frozen=True)
class Approvable:
    """What an approval must be about. `evidence` is what stands now: digest -> kind."""

    trust_domain: str
    tenant: str
    version: Version
    digest: str  # of the version fact
    environment: Environment
    evidence: Mapping[str, str]
    contributors: frozenset[str]
    seen: int  # the size of the log at least, for whoever saw the version in it
    since: Mapping[str, int] = field(default_factory=dict)  # digest -> log index, for evidence that is a fact

    def about(self, person: str) -> str:
        """Return the head of a person's word about this."""
        return f"approval/{self.version.model}/{self.version.number}/{self.environment.value}/{person}"


@dataclass(frozen=True)
class VerifiedApproval:
    """One person's approval that counts. Times are nanoseconds since 1970."""

    person: str
    role: str
    roles: frozenset[str]
    record: Record
    evidence: tuple[str, ...]
    not_before_ns: int
    expires_ns: int
    conditions: Conditions  # for what it counts: whoever judges a use asks
    holder: str  # whose role it is: the person's own, or that of who is away


def check_assertion(root: Root, facts: Facts, assertion: Assertion) -> None:
    """Return when the person's bound, unrevoked credential signed the statement.

    Raises:
        ApprovalDoesNotCount: it did not.
    """
    credential = facts.credential(assertion.person, assertion.credential_id)
    if credential is None:
        raise ApprovalDoesNotCount(f"{assertion.person} has no such credential, or it was revoked")
    try:
        root.verify_person(assertion, credential)
    except ServiceError as error:
        raise ApprovalDoesNotCount(f"the passkey's signature does not verify: {error.detail}") from error


def check_statement(assertion: Assertion, verb: str, about: Approvable) -> None:
    """Return when the statement says exactly this of exactly that.

    Raises:
        WrongSubject: a member is missing, extra or of another version, environment, package or evidence.
        ConditionRefused: it carries a condition that nobody judges.
    """
    said = assertion.statement
    try:
        expected = _expected(said, verb, about, assertion.person)
        equal = canonical(said) == canonical(expected)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WrongSubject(f"the statement is not one this platform asks for: {error!r}") from error
    if not equal:
        other = sorted(k for k in {*said, *expected} if said.get(k) != expected.get(k))
        raise WrongSubject(f"the statement is about something else: {', '.join(other)} differ", differ=other)
    if said["log_size"] < about.seen:
        raise WrongSubject("the statement was made over a log that did not hold the version yet")
    if unknown := sorted(set(said["evidence"]) - set(about.evidence)):
        short = ", ".join(digest[:12] for digest in unknown)
        raise WrongSubject(f"the statement lists evidence that does not stand: {short}")
    shown = {kind for digest, kind in about.evidence.items() if about.since.get(digest, 0) < said["log_size"]}
    if unseen := sorted(shown - {about.evidence[d] for d in said["evidence"]}):
        raise WrongSubject(f"the statement lists no {', '.join(unseen)}, and there is some")


def _expected(said: Mapping[str, Any], verb: str, about: Approvable, person: str) -> dict[str, Any]:
    """Build what must have been said, taking from the statement only what it alone knows."""
    whole = (said["not_before"], said["expiry"], said["log_size"])
    texts = [said["policy"], said["nonce"], said["role"], said["log_root"]]
    texts += [said[member] for member in ("reason", "delegation") if member in said]
    if not all(type(n) is int for n in whole) or not all(type(t) is str and t for t in texts):
        raise ValueError("a member is of the wrong type or empty")
    return approval_statement(
        trust_domain=about.trust_domain,
        tenant=about.tenant,
        model=about.version.model,
        number=about.version.number,
        verb=verb,
        environment=about.environment,
        tier=about.version.tier,
        package=about.version.package,
        evidence=list(said["evidence"]),
        policy=said["policy"],
        conditions=_limits(said["conditions"], verb).to_json(),
        nonce=said["nonce"],
        not_before=said["not_before"],
        expiry=said["expiry"],
        person=person,
        role=said["role"],
        log_size=said["log_size"],
        log_root=said["log_root"],
        reason=said.get("reason", ""),
        delegation=said.get("delegation", ""),
    )


def _limits(said: object, verb: str) -> Conditions:
    """Return what an approval is limited to; other words carry no conditions."""
    limits = Conditions.read(said)
    if verb != VERBS[FactKind.APPROVAL] and limits != Conditions():
        raise ValueError(f"who says {verb} sets no conditions")
    return limits


def count_approval(
    facts: Facts, root: Root, record: Record, about: Approvable, *, at_ns: int
) -> VerifiedApproval:
    """Return an approval that counts at a time, for what its conditions say.

    Raises:
        ApprovalDoesNotCount, WrongSubject, SelfApproval, ConditionRefused: why it does not.
    """
    body, assertion = _said(record, about)
    check_assertion(root, facts, assertion)
    check_statement(assertion, VERBS[FactKind.APPROVAL], about)
    _stands(facts, record, assertion.person)
    statement = assertion.statement
    roles, holder = facts.roles(body.assertion.person, record.fact.tenant), assertion.person
    if "delegation" in statement:
        word = Word(statement, assertion.person, record.fact.tenant, at_ns, record.index)
        holder = away(facts, root, word, about.contributors)
        require_silent(facts, about, holder)
        roles |= {str(statement["role"])}
    if statement["role"] not in roles:
        raise ApprovalDoesNotCount(f"{assertion.person} does not hold the role {statement['role']!r}")
    if assertion.person in about.contributors:
        raise SelfApproval(f"{assertion.person} contributed to {about.version.model} v{about.version.number}")
    require_an_end(statement)
    if not statement["not_before"] * SECOND <= at_ns < statement["expiry"] * SECOND:
        raise ApprovalDoesNotCount(f"the approval of {assertion.person} has expired, or is not in force yet")
    return VerifiedApproval(
        person=assertion.person,
        role=statement["role"],
        roles=roles,
        record=record,
        evidence=tuple(statement["evidence"]),
        not_before_ns=statement["not_before"] * SECOND,
        expires_ns=statement["expiry"] * SECOND,
        conditions=Conditions.read(statement["conditions"]),
        holder=holder,
    )


def require_an_end(statement: Mapping[str, Any]) -> None:
    """Return when a word is for a year at most; raises ApprovalDoesNotCount."""
    if statement["expiry"] - statement["not_before"] > LONGEST:
        raise ApprovalDoesNotCount(f"a word holds for {LONGEST // 86_400} days at most")


def require_silent(facts: Facts, about: Approvable, holder: str) -> None:
    """Return when who is away has said nothing there: their own word, whatever it says, ends what others say for them.

    Raises:
        ApprovalDoesNotCount: they have.
    """
    if facts.head(about.about(holder)) is not None:
        raise ApprovalDoesNotCount(f"{holder} has spoken for themselves, and nobody else does for them there")


def _said(record: Record, about: Approvable) -> tuple[Approval, Assertion]:
    """Read an approval fact whose head, environment and version are those of what it carries."""
    if record.fact.kind is not FactKind.APPROVAL:
        raise ApprovalDoesNotCount(f"{record.digest[:12]} is a {record.fact.kind}, not an approval")
    body = body_of(record.fact, Approval)
    if record.about != about.about(body.assertion.person) or record.fact.environment is not about.environment:
        raise WrongSubject(f"the approval stands in {record.about}")
    if (body.model, body.number, body.version) != (about.version.model, about.version.number, about.digest):
        raise WrongSubject(f"the approval is for {body.model} v{body.number} ({body.version[:12]})")
    return body, body.assertion


def _stands(facts: Facts, record: Record, person: str) -> None:
    """Refuse an approval that was withdrawn, superseded, revoked or said before."""
    head = facts.head(record.about)
    if head is None or head.digest != record.digest:
        raise ApprovalDoesNotCount(f"{person} has said something else since")
    for key in (record.digest, revoked_key(record.signed.keyid), revoked_person(person)):
        if revocation := facts.revoked(key):
            raise ApprovalDoesNotCount(f"{revocation.what} was revoked: {revocation.reason}")
    if said_before(facts, record.fact.previous, said_of(record)):
        raise ApprovalDoesNotCount(
            f"{person} said this once before; what was withdrawn is not said again by others"
        )


def said_of(record: Record) -> str:
    """Return the digest of the statement a person's fact carries."""
    return statement_digest(body_of(record.fact, Approval).assertion)


def said_conditions(record: Record) -> Conditions:
    """Return what a person limited their word to; raises ConditionRefused."""
    return Conditions.read(body_of(record.fact, Approval).assertion.statement.get("conditions"))


def statement_digest(assertion: Assertion) -> str:
    """Return SHA-256 of the canonical statement: the challenge that was signed."""
    return sha256_hex(canonical(assertion.statement))


def said_before(facts: Facts, previous: str | None, statement: str) -> bool:
    """Say whether a fact from `previous` backwards carries this statement; a missing one counts as yes."""
    while previous is not None:
        record = facts.record(previous)
        if record is None or said_of(record) == statement:
            return True
        previous = record.fact.previous
    return False
