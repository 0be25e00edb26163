"""What people say about a version: the statement they are shown, and what they hand in signed.

The statement shown is built from what stands now; what is handed in is checked against the same again, so
that nobody signs one thing and is counted for another. The ledger and every loader check it once more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import (
    Approval,
    Assertion,
    Conditions,
    Delegation,
    Environment,
    Fact,
    FactKind,
    Version,
    body_of,
)
from assay.custody.approvals import (
    SECOND,
    Approvable,
    check_assertion,
    check_statement,
    require_an_end,
    require_silent,
    said_before,
    said_of,
    statement_digest,
)
from assay.custody.delegations import Word, away
from assay.custody.errors import ApprovalDoesNotCount, SelfApproval
from assay.custody.judging import approvable
from assay.errors import BadRequest, ConditionRefused, Forbidden, HeadMoved
from assay.identity.statements import approval_statement
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.asking import written
from services.registry.delegating import lent
from services.registry.domain import KIND_OF
from services.registry.errors import NothingToWithdraw, NotYours, WhoseVoice
from services.registry.registering import RACES
from services.registry.usecases import Registry, person_of

DAY: Final = 86_400
CLOCK_SKEW_SECONDS: Final = 300  # between who shows a statement and who rolls out on it
NO_CONDITIONS: Final = Conditions()
APPROVE: Final = "approve"
WITHDRAW: Final = "withdraw"


@dataclass(frozen=True)
class Deciding:
    """Statements, and the approvals, rejections and withdrawals made of them."""

    registry: Registry
    approval_days: int

    def statement(
        self,
        model: str,
        number: int,
        environment: Environment,
        *,
        verb: str,
        role: str,
        by: Caller,
        reason: str = "",
        holder: str = "",
        conditions: Conditions = NO_CONDITIONS,
    ) -> dict[str, Any]:
        """Return what this person would sign now; a `reason` stands in the ledger for good.

        `holder` is for whom, where several people who are away let this person decide in that role. `conditions` are
        what they limit an approval to.

        Raises:
            NotYours: the caller is no person, by their own certificate.
            BadComment: the reason is too long or cannot be shown.
            SelfApproval, Forbidden: they contributed, or do not hold the role, so it would not count.
            WhoseVoice: they decide in that role for several.
            ConditionRefused: the limits are of another word than an approval, or have passed.
        """
        person = person_of(by)
        if verb not in KIND_OF:
            raise BadRequest(f"{verb[:20]!r} is none of {', '.join(KIND_OF)}")
        about, policy = self._about(model, number, environment)
        if verb == APPROVE and person in about.contributors:
            raise SelfApproval(f"{person} contributed to {model} v{number} and cannot approve it")
        standing = None if role in by.roles and not holder else self._under(about, person, verb, role, holder)
        seconds = self.registry.now_ns() // SECOND
        _require_to_come(conditions, verb, seconds)
        checkpoint = self.registry.log.checkpoint()
        return approval_statement(
            trust_domain=about.trust_domain,
            tenant=about.tenant,
            model=model,
            number=number,
            verb=verb,
            environment=environment,
            tier=about.version.tier,
            package=about.version.package,
            evidence=list(about.evidence),
            policy=policy,
            conditions=conditions.to_json(),
            nonce=secrets.token_hex(16),
            not_before=seconds - CLOCK_SKEW_SECONDS,
            expiry=_until(seconds + self.approval_days * DAY, None if verb == WITHDRAW else standing),
            person=person,
            role=role,
            log_size=checkpoint.size,
            log_root=checkpoint.root.hex(),
            reason=written(reason, least=0),
            delegation=standing.digest if standing else "",
        )

    def hand_in(self, assertion: Assertion, *, by: Caller) -> Record:
        """Take a signed statement in; the same one again is the fact it already is.

        Raises:
            NotYours, ApprovalDoesNotCount, WrongSubject, SelfApproval, NothingToWithdraw: it would not count.
        """
        if person_of(by) != assertion.person:
            raise NotYours(f"{by.person} hands in what {assertion.person[:63]} signed")
        model, number, environment, verb = _spoken_of(assertion.statement)
        action = "act-for" if "delegation" in assertion.statement else verb
        self.registry.policy.require(
            f"registry/{action}", by, {"model": model, "number": number, "environment": environment.value}
        )
        about, _ = self._about(model, number, environment)
        check_assertion(self.registry.root, self.registry.log, assertion)
        check_statement(assertion, verb, about)
        self._would_count(assertion, verb, about)
        return self._append(assertion, KIND_OF[verb], about)

    def _under(self, about: Approvable, person: str, verb: str, role: str, holder: str) -> Record:
        """Return the delegation somebody speaks under; taking back is under that of what is taken back.

        Raises:
            Forbidden: there is none. WhoseVoice: there are several.
            ApprovalDoesNotCount: whoever is away has spoken.
        """
        registry = self.registry
        if verb == WITHDRAW:
            named = _delegation_of(registry.log.head(about.about(person)))
            record = None if named is None else registry.log.record(named)
            held = [] if record is None else [record]
        else:
            held = lent(registry, person)
        bodies = [(one, body_of(one.fact, Delegation)) for one in held]
        found = [
            (one, body.person) for one, body in bodies if body.role == role and holder in {"", body.person}
        ]
        if not found:
            raise Forbidden(
                f"{person} does not hold the role {role[:63]!r}", fix="ask an administrator for it"
            )
        silent = [each for each in found if registry.log.head(about.about(each[1])) is None]
        if verb == APPROVE and not silent:
            require_silent(registry.log, about, found[0][1])
        found = silent or found
        if len(found) > 1:
            raise WhoseVoice(
                f"{person} decides as {role} for {' and for '.join(whose for _, whose in found)}"
            )
        return found[0][0]

    def _about(self, model: str, number: int, environment: Environment) -> tuple[Approvable, str]:
        """Return what an approval must be about now, and the policy that judges."""
        self.registry.log.catch_up()
        judgement = self.registry.judged(model, number, environment)
        kinds = judgement.kinds
        return approvable(judgement.chain, self.registry.root, environment, kinds), judgement.verdict.revision

    def _would_count(self, assertion: Assertion, verb: str, about: Approvable) -> None:
        said, person, log = assertion.statement, assertion.person, self.registry.log
        if "delegation" in said and verb == WITHDRAW:
            if said["delegation"] != _delegation_of(log.head(about.about(person))):
                raise NothingToWithdraw(f"{person} said nothing there under that delegation")
        elif "delegation" in said:
            word = Word(said, person, self.registry.tenant, self.registry.now_ns())
            holder = away(log, self.registry.root, word, about.contributors if verb == APPROVE else ())
            if verb == APPROVE:
                require_silent(log, about, holder)
        elif said["role"] not in log.roles(person, self.registry.tenant):
            raise ApprovalDoesNotCount(f"{person} does not hold the role {said['role']!r}")
        if verb == APPROVE and person in about.contributors:
            raise SelfApproval(f"{person} contributed to {about.version.model} v{about.version.number}")
        require_an_end(said)
        if not said["not_before"] * SECOND <= self.registry.now_ns() < said["expiry"] * SECOND:
            raise ApprovalDoesNotCount("the statement has expired, or is not in force yet")
        _require_to_come(Conditions.read(said["conditions"]), verb, self.registry.now_ns() // SECOND)

    def _append(self, assertion: Assertion, kind: FactKind, about: Approvable) -> Record:
        """Append after the person's last word; after a race the same assertion goes in again."""
        where = about.about(assertion.person)
        for _ in range(RACES):
            head = self.registry.log.head(where)
            if head is not None and said_of(head) == statement_digest(assertion):
                return head
            if said_before(self.registry.log, head.digest if head else None, statement_digest(assertion)):
                raise ApprovalDoesNotCount(f"{assertion.person} said this once; sign a new statement")
            if kind is FactKind.WITHDRAWAL and (head is None or head.kind is not FactKind.APPROVAL):
                raise NothingToWithdraw(f"{assertion.person} has no standing approval there")
            try:
                return self.registry.commit(
                    _fact(self.registry, kind, where, _body(assertion, about), head, about)
                )
            except HeadMoved:
                self.registry.log.catch_up()
        raise HeadMoved(f"{where} moved {RACES} times")


def _require_to_come(conditions: Conditions, verb: str, seconds: int) -> None:
    """Return when these limits fit: only an approval carries any, and what has passed already approves nothing."""
    if verb != APPROVE and conditions != NO_CONDITIONS:
        raise ConditionRefused(f"who says {verb} sets no conditions")
    if conditions.until is not None and conditions.until <= seconds:
        raise ConditionRefused(f"{conditions.ends} has passed: nothing could answer on that approval")


def _fact(
    registry: Registry,
    kind: FactKind,
    where: str,
    body: Mapping[str, Any],
    head: Record | None,
    about: Approvable,
) -> Fact:
    previous = head.digest if head else None
    return Fact(
        kind, where, registry.tenant, registry.now(), body, environment=about.environment, previous=previous
    )


def _body(assertion: Assertion, about: Approvable) -> dict[str, Any]:
    version: Version = about.version
    body = Approval(model=version.model, number=version.number, version=about.digest, assertion=assertion)
    return body.model_dump(mode="json")


def _delegation_of(word: Record | None) -> str | None:
    """Return the delegation a person's word stands on, if any."""
    said = None if word is None else word.fact.body["assertion"]["statement"].get("delegation")
    return None if said is None else str(said)


def _until(seconds: int, standing: Record | None) -> int:
    """Return when a word ends: never after the delegation it stands on."""
    return seconds if standing is None else min(seconds, body_of(standing.fact, Delegation).until)


def _spoken_of(statement: Mapping[str, Any]) -> tuple[str, int, Environment, str]:
    match statement:
        case {"model": str(model), "number": int(number), "environment": str(environment), "verb": str(verb)}:
            if verb in KIND_OF and environment in set(Environment):
                return model, number, Environment(environment), verb
    raise BadRequest("the statement names no model, number, environment and verb of ours")
