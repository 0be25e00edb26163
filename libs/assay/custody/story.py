"""A verified chain in words: the tree `assay verify` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts import DatasetBatch, Evaluation, Evidence, FactKind, FeatureSet, body_of
from assay.custody.approvals import VerifiedApproval, said_conditions
from assay.custody.chain import Chain
from assay.custody.judging import Judgement
from assay.custody.shown import stale_at

if TYPE_CHECKING:
    from assay.ledger import Record, Root


@dataclass(frozen=True)
class Node:
    """One line of the tree to print."""

    title: str
    detail: str
    children: tuple[Node, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the line and those below it."""
        below = [child.to_json() for child in self.children]
        return {"title": self.title, "detail": self.detail, "children": below}


@dataclass(frozen=True)
class Word:
    """What a person said about a version; `why_not` says why it does not count, None where it does."""

    record: Record
    person: str
    role: str
    why_not: str | None


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
    instead = "" if approval.holder == approval.person else f" for {approval.holder}, who is away"
    limits = "".join(f", {words}" for words in approval.conditions.words())
    detail = (
        f"as {approval.role}{instead}{limits}, passkey over package and {len(approval.evidence)} pieces of evidence; "
        f"fact {approval.record.digest[:12]}"
    )
    return Node(f"approved by {approval.person}", detail)


def _version(whole: Chain, root: Root) -> Node:
    version = whole.body
    title = f"version {version.model} v{version.number}"
    lowered = f", LOWERED from {whole.left.tier}" if whole.left else ""
    detail = f"package {version.package[:12]}, tier {version.tier}{lowered}, model signature {version.signature[:12]}"
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


# ---- an evidence pack


def tell_pack(
    whole: Chain,
    words: Sequence[Word],
    moves: Sequence[Record],
    root: Root,
    judgement: Judgement | None,
    *,
    at_ns: int,
) -> Node:
    """Return the tree of a version: who said what, what is stated of it, where it came from, where it stands."""
    said = tuple(_word(word) for word in words) or (Node("no word", "nobody's is in the pack"),)
    stated = tuple(_stated(record, root, at_ns) for record in whole.evidence)
    stands = tuple(Node(f"named by {move.about}", f"since {move.fact.time}") for move in moves)
    children = (*said, *stated, _version(whole, root), *stands)
    return Node(f"evidence pack of {whole.body.model} v{whole.body.number}", _gate(judgement), children)


def _gate(judgement: Judgement | None) -> str:
    if judgement is None:
        return "statements, signatures and proofs hold; the gate was not judged here"
    verdict = judgement.verdict
    missing = "; ".join(str(entry["what"]) for entry in verdict.missing)
    lacks = f": {missing}" if missing else ""
    return f"gate of {judgement.environment} judged here by policy {verdict.revision[:12]}: {verdict.outcome}{lacks}"


def _word(word: Word) -> Node:
    verbs = {FactKind.APPROVAL: "approves", FactKind.REJECTION: "rejects"}
    verb = verbs.get(word.record.kind, "withdraws an approval")
    counts = "counts" if word.why_not is None else f"does not count: {word.why_not}"
    environment = word.record.fact.environment.value if word.record.fact.environment else "no environment"
    lent = word.record.fact.body["assertion"]["statement"].get("delegation")
    instead = "" if lent is None else f" by delegation {str(lent)[:12]}"
    limits = "".join(f", {words}" for words in said_conditions(word.record).words())
    detail = f"for {environment} as {word.role}{instead}{limits}; {counts}; fact {word.record.digest[:12]}"
    return Node(f"{word.person} {verb}", detail)


def _stated(record: Record, root: Root, at_ns: int) -> Node:
    said = body_of(record.fact, Evidence)
    figures = ", ".join(f"{name} {value:.4g}" for name, value in sorted(said.figures.items()))
    end = stale_at(said)
    stale = "; stale" if end is not None and end <= at_ns else ""
    return Node(
        f"evidence {said.type}", f"{figures or 'a document'}; by {said.by}, {_by(record, root)}{stale}"
    )
