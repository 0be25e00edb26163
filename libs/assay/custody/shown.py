"""The evidence of a version as gates and people's statements name it, and the moments that facts name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.contracts import Evaluation, Evidence, body_of
from assay.custody.approvals import SECOND
from assay.custody.chain import Chain
from assay.custody.errors import ChainBroken

if TYPE_CHECKING:
    from assay.ledger import Record


def kinds_shown(whole: Chain, card: str) -> dict[str, str]:
    """Return the evidence of a version as statements name it: digest -> kind; `card` is SHA-256 of card.json."""
    return {entry["digest"]: entry["kind"] for entry in evidence_shown(whole, card)}


def evidence_shown(whole: Chain, card: str) -> list[dict[str, Any]]:
    """Return the evidence of a version, as the gate reads it; each was verified by the walk."""
    shown: list[tuple[str, str, Mapping[str, float]]] = [
        ("run", whole.run.digest, {}),
        ("signature", whole.body.signature, {}),
        ("card", card, {}),
    ]
    shown += [("evaluation", r.digest, body_of(r.fact, Evaluation).metrics) for r in whole.evaluations]
    found = [{"kind": kind, "digest": d, "metrics": dict(m), "verified": True} for kind, d, m in shown]
    return found + [_stated(record) for record in whole.evidence]


def _stated(record: Record) -> dict[str, Any]:
    """Return a typed statement as the gate reads it, with when it becomes stale."""
    said = body_of(record.fact, Evidence)
    return {
        "kind": said.type,
        "digest": record.digest,
        "metrics": dict(said.figures),
        "verified": True,
        "expires_ns": stale_at(said),
    }


def stale_at(said: Evidence) -> int | None:
    """Return when a statement becomes stale, nanoseconds since 1970; at once when it names no moment."""
    if said.valid_until is None:
        return None
    try:
        return int(moment(said.valid_until) * SECOND)
    except ChainBroken:
        return 0


def moment(text: str) -> float:
    """Return an RFC 3339 time in seconds since 1970; raises ChainBroken when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ChainBroken(f"{text!r} is no RFC 3339 time") from error
    if found.tzinfo is None:
        raise ChainBroken(f"{text!r} names no time zone")
    return found.timestamp()
