"""A verified chain in words: the tree `assay verify` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts import DatasetBatch, Evaluation, FeatureSet, body_of
from assay.custody.approvals import VerifiedApproval
from assay.custody.chain import Chain

if TYPE_CHECKING:
    from assay.ledger import Record, Root


@dataclass(frozen=True)
class Node:
    """One line of the tree to print."""

    title: str
    detail: str
    children: tuple[Node, ...] = ()


def tell(
    receipt: Mapping[str, Any],
    whole: Chain,
    approvals: Sequence[VerifiedApproval],
    root: Root,
    *,
    judged: bool,
) -> Node:
    """Return the tree from a receipt back to the rows; `judged` when the gate's rules ran here."""
    title = f"receipt {receipt['id']}"
    detail = (
        f"{receipt['environment']}/{receipt['endpoint']} answered {receipt['caller']} at {receipt['time']}"
    )
    return Node(title, detail, (_rollout(receipt, whole, approvals, root, judged=judged),))


def _rollout(
    receipt: Mapping[str, Any],
    whole: Chain,
    approvals: Sequence[VerifiedApproval],
    root: Root,
    *,
    judged: bool,
) -> Node:
    assert whole.move is not None  # noqa: S101 - a receipt's chain starts at its rollout
    again = "judged again here" if judged else "rules not judged again here"
    gate = f"gate passed under policy {whole.move.fact.body['policy'][:12]}, {again}"
    said = tuple(_approval(approval) for approval in approvals) or (Node("no approval", "none is listed"),)
    title = f"rollout {whole.move.digest[:12]} at log index {whole.move.index}"
    detail = f"{receipt['model']} v{receipt['number']} by {_by(whole.move, root)}; {gate}"
    return Node(title, detail, (*said, _version(whole, root)))


def _approval(approval: VerifiedApproval) -> Node:
    detail = (
        f"as {approval.role}, passkey over package and {len(approval.evidence)} pieces of evidence; "
        f"fact {approval.record.digest[:12]}"
    )
    return Node(f"approved by {approval.person}", detail)


def _version(whole: Chain, root: Root) -> Node:
    version = whole.body
    title = f"version {version.model} v{version.number}"
    detail = f"package {version.package[:12]}, tier {version.tier}, model signature {version.signature[:12]}"
    measured = tuple(_evaluation(record, root) for record in whole.evaluations)
    return Node(title, detail, (*measured, _run(whole)))


def _evaluation(record: Record, root: Root) -> Node:
    measures = body_of(record.fact, Evaluation).metrics
    words = ", ".join(f"{name} {value:.4g}" for name, value in sorted(measures.items()))
    return Node(f"evaluation {record.digest[:12]}", f"{words}; by {_by(record, root)}")


def _run(whole: Chain) -> Node:
    run = whole.provenance
    title = f"run {run.run}"
    detail = f"{run.entry} by {run.builder}; contributors {', '.join(sorted(whole.contributors))}"
    return Node(title, detail, tuple(_feature_set(record, whole) for record in whole.feature_sets))


def _feature_set(record: Record, whole: Chain) -> Node:
    body = body_of(record.fact, FeatureSet)
    rows = ", ".join(f"{name} {count}" for name, count in sorted(body.rows.items()))
    batches = tuple(_batch(batch) for batch in whole.batches if batch.digest in body.facts)
    title = f"feature set {record.digest[:12]}"
    return Node(title, f"view {body.view}, {len(body.features)} features, rows {rows}", batches)


def _batch(record: Record) -> Node:
    body = body_of(record.fact, DatasetBatch)
    title = f"batch {body.dataset}/{body.batch}"
    return Node(title, f"{body.rows} rows, {body.quarantined} in quarantine; fact {record.digest[:12]}")


def _by(record: Record, root: Root) -> str:
    """Return whose key signed a fact, as the root lists it."""
    return root.signer_for(record.fact, record.signed.keyid, record.index).identity
