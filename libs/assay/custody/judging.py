"""What a gate says of a version or of a move that names it, judged on facts: nothing is read from a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import (
    Approval,
    Environment,
    FactKind,
    body_of,
)
from assay.custody.approvals import SECOND, Approvable, VerifiedApproval, count_approval
from assay.custody.chain import Chain, chain, require_unrevoked, revoked_key
from assay.custody.errors import ApprovalDoesNotCount, ChainBroken, GateNotMet, WrongSubject
from assay.custody.facts import Facts
from assay.custody.shown import evidence_shown, kinds_shown, moment
from assay.custody.signing import KEY, keyid
from assay.errors import ServiceError
from assay.policy import GateVerdict, Policy

if TYPE_CHECKING:
    from assay.ledger import Record, Root

CLOCK_SKEW_NS: Final = 300 * SECOND


@dataclass(frozen=True)
class Use:
    """What a version is judged for: an endpoint (None: an alias, or the environment as a whole), then and now.

    `at_ns` is when it was moved there, by which approvals begin and expire; `now_ns` when it has to hold.
    """

    endpoint: str | None
    at_ns: int
    now_ns: int


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a version in an environment, and on what.

    `approvals` are those that count here and now, `limited` those whose conditions keep them from it; `dropped` maps
    the digest of every approval that does not count to why. `kinds` maps the digest of each piece of evidence to run,
    evaluation, card, signature or the type of a statement. `ends_ns` is when the gate is not met any more because
    what approvers limited themselves to has passed, or the time that the tier lets it run; None: that does not end.
    """

    chain: Chain
    environment: Environment
    approvals: tuple[VerifiedApproval, ...]
    dropped: Mapping[str, str]
    kinds: Mapping[str, str]
    verdict: GateVerdict
    use: Use
    limited: tuple[VerifiedApproval, ...] = ()
    ends_ns: int | None = None

    @property
    def evidence(self) -> tuple[str, ...]:
        """The digests of the evidence, sorted, as statements and rollouts list them."""
        return tuple(sorted(self.kinds))

    def require(self) -> Judgement:
        """Return this judgement when the gate passed; raises GateNotMet with what is missing."""
        if self.verdict.passed is not True:
            missing = "; ".join(f"{entry['what']} ({entry['how']})" for entry in self.verdict.missing)
            body = self.chain.body
            raise GateNotMet(
                f"{body.model} v{body.number} may not enter {self.environment}: {missing}",
                missing=self.verdict.missing,
                dropped=dict(self.dropped),
                rule=self.verdict.rule,
            )
        return self


def judge(
    facts: Facts,
    root: Root,
    policy: Policy,
    *,
    version: str,
    environment: Environment,
    card: str,
    now_ns: int,
    endpoint: str | None = None,
) -> Judgement:
    """Judge a version (by its fact's digest) for an environment, on all that stands now.

    `card` is SHA-256 of the package's card.json, `now_ns` nanoseconds since 1970, `endpoint` where it would answer.
    The gate may not have passed: see `Judgement.require`.

    Raises:
        ChainBroken, WrongSubject, ChainRevoked: the version itself may not be used.
    """
    whole = _standing(facts, root, version)
    prefix = f"approval/{whole.body.model}/{whole.body.number}/{environment.value}/"
    heads = {r.about: facts.head(r.about) for r in facts.records(FactKind.APPROVAL, prefix)}
    words = tuple(r for r in heads.values() if r is not None and r.fact.kind is FactKind.APPROVAL)
    return _judged(
        facts,
        root,
        policy,
        whole,
        environment,
        evidence_shown(whole, card),
        words,
        Use(endpoint, now_ns, now_ns),
    )


def judge_move(facts: Facts, root: Root, policy: Policy, *, move: str, card: str, now_ns: int) -> Judgement:
    """Judge a rollout or alias fact by what it lists: approvals at the time it was made, their conditions now.

    Raises:
        ChainBroken, WrongSubject, ChainRevoked, GateNotMet: it may not be acted upon.
    """
    whole = chain(facts, move)
    said, environment = _move(whole)
    require_unrevoked(facts, _keys(root, whole, with_evaluations=True), name_of(whole))
    evidence = evidence_shown(whole, card)
    if sorted(said.fact.body["evidence"]) != sorted(e["digest"] for e in evidence):
        raise WrongSubject(f"{said.about} lists other evidence than stands behind {name_of(whole)}")
    use = Use(_endpoint(whole), _moved_at(whole, said, now_ns), now_ns)
    return _judged(facts, root, policy, whole, environment, evidence, whole.approvals, use).require()


def count_listed(facts: Facts, root: Root, whole: Chain) -> tuple[VerifiedApproval, ...]:
    """Return the approvals a rollout lists; every one must count there at its time, over the evidence it lists.

    For verifiers without the rules. The card is the one piece of evidence only the package's bytes show.
    """
    move, environment = _move(whole)
    evidence = evidence_shown(whole, _unshown(whole, move))
    about = approvable(whole, root, environment, {e["digest"]: e["kind"] for e in evidence})
    at_ns = _made_at(whole, move)
    counted = tuple(count_approval(facts, root, r, about, at_ns=at_ns) for r in whole.approvals)
    for one in counted:
        if unmet := one.conditions.unmet(_endpoint(whole), at_ns):
            raise ApprovalDoesNotCount(f"{one.person} approved {name_of(whole)} {' and '.join(unmet)}")
    return counted


def judge_listed(facts: Facts, root: Root, policy: Policy, whole: Chain, *, now_ns: int) -> None:
    """Judge a rollout at a time by the very policy it names; raises GateNotMet, or WrongSubject for another policy."""
    move, environment = _move(whole)
    evidence = evidence_shown(whole, _unshown(whole, move))
    use = Use(_endpoint(whole), _made_at(whole, move), now_ns)
    judgement = _judged(facts, root, policy, whole, environment, evidence, whole.approvals, use)
    if judgement.verdict.revision != move.fact.body["policy"]:
        raise WrongSubject(f"{move.about} was judged by policy {move.fact.body['policy'][:12]}, not this one")
    judgement.require()


def rejudge(facts: Facts, root: Root, policy: Policy, *, move: str, now_ns: int) -> Judgement:
    """Judge a standing rollout or alias fact now by any policy, on what it lists, without the package's bytes.

    Raises:
        ChainBroken, WrongSubject, ChainRevoked: it may not be used whatever the policy.
    """
    whole = chain(facts, move)
    said, environment = _move(whole)
    require_unrevoked(facts, _keys(root, whole, with_evaluations=True), name_of(whole))
    evidence = evidence_shown(whole, _unshown(whole, said))
    use = Use(_endpoint(whole), _made_at(whole, said), now_ns)
    return _judged(facts, root, policy, whole, environment, evidence, whole.approvals, use)


def _endpoint(whole: Chain) -> str | None:
    return whole.rollout.endpoint if whole.rollout else None


def _move(whole: Chain) -> tuple[Record, Environment]:
    if whole.move is None or whole.move.fact.environment is None:
        raise ChainBroken(f"{name_of(whole)} was not moved into an environment")
    return whole.move, whole.move.fact.environment


def _unshown(whole: Chain, move: Record) -> str:
    """Return the one piece of evidence listed that is no fact and no signature: the card's digest."""
    listed: set[str] = set(move.fact.body["evidence"])
    stated = {record.digest for record in (*whole.evaluations, *whole.evidence)}
    shown = {whole.run.digest, whole.body.signature, *stated}
    if not shown <= listed or len(listed - shown) != 1:
        raise WrongSubject(f"{move.about} lists other evidence than stands behind {name_of(whole)}")
    return (listed - shown).pop()


def _keys(root: Root, whole: Chain, *, with_evaluations: bool) -> list[str]:
    stated = (*whole.evaluations, *whole.evidence)
    dropped = () if with_evaluations else tuple(record.digest for record in stated)
    signed_by = keyid(root.service_key(KEY, whole.version.index))
    return [k for k in whole.revocation_keys() if k not in dropped] + [revoked_key(signed_by)]


def _revoked(facts: Facts, record: Record) -> bool:
    return any(facts.revoked(k) for k in (record.digest, revoked_key(record.signed.keyid)))


def require_standing(facts: Facts, root: Root, whole: Chain) -> None:
    """Raise ChainRevoked when a version was revoked, or what it was made of, by whom or with what."""
    require_unrevoked(facts, _keys(root, whole, with_evaluations=False), name_of(whole))


def standing_now(facts: Facts, whole: Chain) -> Chain:
    """Return the chain with the evidence that counts now: nothing revoked, and of each type the newest."""
    newest = [
        r for r in whole.evidence if (head := facts.head(r.about)) is not None and head.digest == r.digest
    ]
    return replace(
        whole,
        evaluations=tuple(r for r in whole.evaluations if not _revoked(facts, r)),
        evidence=tuple(r for r in newest if not _revoked(facts, r)),
    )


def _judged(
    facts: Facts,
    root: Root,
    policy: Policy,
    whole: Chain,
    environment: Environment,
    evidence: list[dict[str, Any]],
    words: Sequence[Record],
    use: Use,
) -> Judgement:
    about = approvable(whole, root, environment, {entry["digest"]: entry["kind"] for entry in evidence})
    counted: dict[str, VerifiedApproval] = {}
    dropped: dict[str, str] = {}
    for record in words:
        try:
            approval = count_approval(facts, root, record, about, at_ns=use.at_ns)
        except ServiceError as error:
            dropped[record.digest] = error.detail
        else:
            counted[approval.person] = approval
    said = [_counted(one) for one in counted.values()]
    said += [_dropped(facts, record) for record in words if record.digest in dropped]
    question = _question(whole, environment, evidence, said, use)
    verdict = policy.gate(question)
    unmet = {one.person: one.conditions.unmet(use.endpoint, use.now_ns) for one in counted.values()}
    here = tuple(one for one in counted.values() if not unmet[one.person])
    limited = tuple(one for one in counted.values() if unmet[one.person])
    dropped |= {one.record.digest: f"approved {' and '.join(unmet[one.person])}" for one in limited}
    ends_ns = _ends(policy, question, verdict, here) if verdict.passed is True else None
    return Judgement(whole, environment, here, dropped, about.evidence, verdict, use, limited, ends_ns)


def _question(
    whole: Chain,
    environment: Environment,
    evidence: list[dict[str, Any]],
    said: list[dict[str, Any]],
    use: Use,
) -> dict[str, Any]:
    """Return what the gate is asked: see the head of infra/opa/gate.rego."""
    return {
        "model": whole.body.model,
        "number": whole.body.number,
        "tier": whole.body.tier,
        "earlier": list(whole.earlier_tiers),
        "environment": environment.value,
        "endpoint": use.endpoint,
        "evidence": evidence,
        "approvals": said,
        "contributors": sorted(whole.contributors),
        "time_ns": use.at_ns,
        "now_ns": use.now_ns,
    }


def _ends(
    policy: Policy, question: Mapping[str, Any], verdict: GateVerdict, here: Iterable[VerifiedApproval]
) -> int | None:
    """Return when the gate is not met any more: a moment that an approver named, or the end that the tier sets."""
    moments = {one.conditions.until * SECOND for one in here if one.conditions.until is not None}
    if verdict.runs_seconds is not None:
        moments.add(question["time_ns"] + verdict.runs_seconds * SECOND)
    for at_ns in sorted(moments):
        if policy.gate({**question, "now_ns": at_ns}).passed is not True:
            return int(at_ns)
    return None


def approvable_now(
    facts: Facts, root: Root, *, version: str, environment: Environment, card: str
) -> Approvable:
    """Return what an approval of a version (by its fact's digest) must be about now; raises what `judge` does."""
    whole = _standing(facts, root, version)
    return approvable(whole, root, environment, kinds_shown(whole, card))


def _standing(facts: Facts, root: Root, version: str) -> Chain:
    """Return the chain of a version that may be used at all, with the evidence that counts now."""
    whole = chain(facts, version)
    require_standing(facts, root, whole)
    return standing_now(facts, whole)


def approvable(whole: Chain, root: Root, environment: Environment, evidence: Mapping[str, str]) -> Approvable:
    """Return what an approval of this version for this environment must be about."""
    if whole.body.trust_domain != root.trust_domain:
        raise WrongSubject(f"{name_of(whole)} belongs to trust domain {whole.body.trust_domain}")
    return Approvable(
        trust_domain=root.trust_domain,
        tenant=whole.version.fact.tenant,
        version=whole.body,
        digest=whole.version.digest,
        environment=environment,
        evidence=dict(evidence),
        contributors=whole.contributors,
        seen=whole.version.index + 1,
        since={record.digest: record.index for record in (*whole.evaluations, *whole.evidence)},
    )


def _counted(approval: VerifiedApproval) -> dict[str, Any]:
    return {
        "person": approval.person,
        "role": approval.role,
        "roles": sorted(approval.roles),
        "digest": approval.record.digest,
        "valid": True,
        "not_before_ns": approval.not_before_ns,
        "expires_ns": approval.expires_ns,
        "conditions": approval.conditions.to_json(),
        "ends": approval.conditions.ends,
        "holder": approval.holder,
    }


def _dropped(facts: Facts, record: Record) -> dict[str, Any]:
    assertion = body_of(record.fact, Approval).assertion
    role = str(assertion.statement.get("role", ""))
    person = assertion.person
    roles = sorted(facts.roles(person, record.fact.tenant))
    return {"person": person, "role": role, "roles": roles, "digest": record.digest, "valid": False}


def _moved_at(whole: Chain, said: Record, now_ns: int) -> int:
    """Return when a rollout or alias was made; never before what it lists, never after now."""
    at = _made_at(whole, said)
    if at > now_ns + CLOCK_SKEW_NS:
        raise ChainBroken(f"{said.about} claims a time that cannot be: {said.fact.time}")
    return at


def _made_at(whole: Chain, said: Record) -> int:
    """Return when a rollout or alias says it was made; never before what it lists, whoever looks and when."""
    at = _ns(said)
    listed = [_ns(r) for r in (whole.version, *whole.approvals, *whole.evaluations, *whole.evidence)]
    if any(at < time - CLOCK_SKEW_NS for time in listed):
        raise ChainBroken(f"{said.about} claims a time that cannot be: {said.fact.time}")
    return at


def _ns(record: Record) -> int:
    return int(moment(record.fact.time) * SECOND)


def name_of(whole: Chain) -> str:
    """Return a version as refusals call it."""
    return f"{whole.body.model} v{whole.body.number}"
