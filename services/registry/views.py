"""What the registry shows of versions, gates and aliases, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.contracts import Evaluation, Evidence, FactKind, Revocation, Version, body_of
from assay.custody import Judgement
from assay.custody.chain import chain
from assay.custody.judging import standing_now
from assay.ledger import Record
from services.registry.asking import Comment, Standing
from services.registry.domain import AliasRow, WordRow
from services.registry.usecases import Registry


def version_view(registry: Registry, model: str, number: int) -> dict[str, Any]:
    """Return a version with everything that is known about it."""
    record = registry.believed.version(model, number)
    whole = chain(registry.log, record.digest)
    counting = standing_now(registry.log, whole)
    words = registry.believed.words(model, number)
    names = [row for row in registry.believed.aliases(model) if row.number == number]
    return {
        **registered(record),
        "contributors": sorted(whole.contributors),
        "run_id": whole.provenance.run,
        "mlflow_run": whole.provenance.mlflow_run,
        "feature_sets": [one.digest for one in whole.feature_sets],
        "batches": [one.digest for one in whole.batches],
        "evidence": _evidence(registry, record, list(whole.evaluations), counting.evidence),
        "decisions": [_word(registry, word) for word in words],
        "aliases": [{"environment": row.environment, "alias": row.alias, "fact": row.fact} for row in names],
        "revoked": revocation(registry.log.revoked(record.digest)),
    }


def registered(record: Record) -> dict[str, Any]:
    """Return a version as its fact says it."""
    body = body_of(record.fact, Version)
    return {
        "model": body.model,
        "number": body.number,
        "fact": record.digest,
        "package": body.package,
        "signature": body.signature,
        "run": body.run,
        "checkpoint": body.checkpoint,
        "tier": body.tier,
        "trust_domain": body.trust_domain,
        "time": record.fact.time,
    }


def stated(record: Record) -> dict[str, Any]:
    """Return a typed statement as its fact says it."""
    body = body_of(record.fact, Evidence)
    return {**body.model_dump(mode="json"), "fact": record.digest, "time": record.fact.time}


def gate_view(judgement: Judgement) -> dict[str, Any]:
    """Return whether a version may enter an environment, what is missing and how to get it."""
    verdict = judgement.verdict
    return {
        "model": judgement.chain.body.model,
        "number": judgement.chain.body.number,
        "environment": judgement.environment.value,
        "tier": judgement.chain.body.tier,
        "lowered_from": judgement.chain.left.tier if judgement.chain.left else None,
        "endpoint": judgement.use.endpoint,
        "passed": verdict.passed,
        "outcome": verdict.outcome,
        "missing": verdict.missing,
        "rule": verdict.rule,
        "policy": verdict.revision,
        "evidence": [{"digest": d, "kind": kind} for d, kind in sorted(judgement.kinds.items())],
        "approvals": [
            {"person": a.person, "role": a.role, "fact": a.record.digest, "conditions": a.conditions.words()}
            for a in judgement.approvals
        ],
        "dropped": dict(judgement.dropped),
        "contributors": sorted(judgement.chain.contributors),
    }


def alias_view(record: Record) -> dict[str, Any]:
    """Return where an alias points, and the fact that put it there."""
    row = AliasRow.of(record)
    return {**vars(row), "version": record.fact.body["version"], "time": record.fact.time}


def request_view(standing: Standing) -> dict[str, Any]:
    """Return a request for approval and how it stands."""
    judgement = standing.judgement
    return {
        **vars(standing.request),
        "state": standing.state,
        "why": standing.why,
        "tier": judgement.chain.body.tier if judgement else None,
        "endpoint": judgement.use.endpoint if judgement else None,
        "missing": judgement.verdict.missing if judgement else [],
        "contributors": sorted(judgement.chain.contributors) if judgement else [],
        "said": [
            {"person": WordRow.of(one).person, "kind": one.kind.value, "fact": one.digest}
            for one in standing.said
        ],
        "comments": [comment_view(one) for one in standing.comments],
    }


def comment_view(comment: Comment) -> dict[str, Any]:
    """Return what somebody wrote."""
    return dict(vars(comment))


def revocation(said: Revocation | None) -> dict[str, str] | None:
    """Return what a standing revocation says."""
    return None if said is None else {"what": said.what, "reason": said.reason, "by": said.by}


def _evidence(
    registry: Registry, record: Record, evaluations: list[Record], statements: Sequence[Record]
) -> list[dict[str, Any]]:
    body = body_of(record.fact, Version)
    shown: list[dict[str, Any]] = [
        {"kind": "run", "digest": body.run},
        {"kind": "signature", "digest": body.signature},
        {"kind": "card", "digest": registry.packages.card(body.package)},
    ]
    for one in evaluations:
        said = body_of(one.fact, Evaluation)
        withdrawn = revocation(registry.log.revoked(one.digest))
        figures = {"metrics": said.metrics, "slices": said.slices, "revoked": withdrawn}
        shown.append({"kind": "evaluation", "digest": one.digest, **figures})
    return shown + [
        {"kind": one.fact.body["type"], "digest": one.digest, **stated(one)} for one in statements
    ]


def _word(registry: Registry, record: Record) -> dict[str, Any]:
    row = WordRow.of(record)
    statement = record.fact.body["assertion"]["statement"]
    return {
        "person": row.person,
        "environment": row.environment,
        "kind": row.kind,
        "role": statement.get("role"),
        "fact": row.fact,
        "time": record.fact.time,
        "revoked": revocation(registry.log.revoked(row.fact)),
        "stands": row.kind == FactKind.APPROVAL.value and registry.log.revoked(row.fact) is None,
    }
