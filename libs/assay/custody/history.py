"""What a name meant when: the moves of an alias or endpoint, and a file that proves which one stood at a time.

    {"type": "assay-history-bundle/v1", "about", "at",
     "proofs": what `Ledger.proof_bundle` gave: the move that stood, the one that ended it (or the head), checkpoint}

A move names the one before it, and the log moves a head only from there: so a move and the one that follows it prove
what stood in between. A move that takes an alias off ends what stood, and nothing stands until the next. The newest
move stands until the checkpoint's time; before the first one there was nothing. The times are those the moves name;
the ledger takes a move only within five minutes of its own clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import Alias, FactKind, Rollout, body_of
from assay.custody.errors import ChainBroken, HistoryUnknown, WrongSubject
from assay.errors import BadRequest
from assay.ledger import read_bundle

if TYPE_CHECKING:
    from assay.ledger import Ledger, Record, Root

BUNDLE: Final = "assay-history-bundle/v1"


@dataclass(frozen=True)
class Stood:
    """What a name meant from one move to the next. `until` None: it still did at the checkpoint."""

    about: str
    model: str
    number: int
    fact: str
    since: datetime
    until: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        until = self.until.isoformat() if self.until else None
        return {**vars(self), "since": self.since.isoformat(), "until": until}


@dataclass(frozen=True)
class VerifiedHistory:
    """What a bundle proves: what stood at a time; None when nothing did. `time_ms` is the checkpoint's."""

    at: datetime
    stood: Stood | None
    size: int
    time_ms: int

    @property
    def in_words(self) -> str:
        """Say what stood, and how far the proof reaches."""
        stood = self.stood
        meant = f"{stood.about} meant {stood.model} v{stood.number}" if stood else "the name meant nothing"
        return f"at {self.at.isoformat()} {meant}; valid as of log size {self.size}"


def moves(ledger: Ledger, about: str) -> list[Record]:
    """Return every move of a name, newest first, each proven by the ledger's client; empty if it never moved."""
    found: list[Record] = []
    record = ledger.head(about)
    while record is not None:
        found.append(record)
        before = record.fact.previous
        record = ledger.fact(before) if before is not None else None
    return found


def history(records: Sequence[Record]) -> list[Stood]:
    """Return what a name meant, newest first."""
    ends: list[datetime | None] = [None, *(_time(record) for record in records)]
    told = [_stood(record, until) for record, until in zip(records, ends, strict=False)]
    return [stood for stood in told if stood is not None]


def export_history(ledger: Ledger, about: str, at: datetime) -> dict[str, Any]:
    """Return the file that proves what a name meant at a time.

    Raises:
        HistoryUnknown: the time lies after the ledger's newest checkpoint.
    """
    if _utc(at).timestamp() * 1000 > ledger.checkpoint().time_ms:
        raise HistoryUnknown(f"{at.isoformat()} is after the ledger's newest checkpoint")
    records = moves(ledger, about)
    later = next((n for n, record in enumerate(records) if _time(record) <= at), len(records))
    wanted = [record.digest for record in records[max(0, later - 1) : later + 1]]
    proofs = ledger.proof_bundle(wanted, revocation_keys=[], heads=[about])
    return {"type": BUNDLE, "about": about, "at": _utc(at).isoformat(), "proofs": proofs}


def verify_history(bundle: Mapping[str, Any], root: Root) -> VerifiedHistory:
    """Say what a file proves, with nothing but the root.

    Raises:
        SignatureInvalid: a proof or signature does not hold.
        ChainBroken, WrongSubject, HistoryUnknown: it does not prove what stood at its time.
    """
    about, at, proofs = _members(bundle)
    proven = read_bundle(proofs, root)
    if _utc(at).timestamp() * 1000 > proven.checkpoint.time_ms:
        raise HistoryUnknown(f"{at.isoformat()} is after the checkpoint: nobody knows yet")
    if about not in proven.heads:
        raise ChainBroken(f"the file does not prove which move of {about} is the newest")
    records = sorted(proven.records.values(), key=lambda record: record.index)
    if foreign := [record.about for record in records if record.about != about]:
        raise WrongSubject(f"a move of {foreign[0]} proves nothing about {about}")
    earlier = [record for record in records if _time(record) <= at]
    later = [record for record in records if _time(record) > at]
    stood = _what_stood(earlier, later, proven.heads[about])
    return VerifiedHistory(at, stood, proven.checkpoint.size, proven.checkpoint.time_ms)


def _what_stood(earlier: Sequence[Record], later: Sequence[Record], head: str | None) -> Stood | None:
    """Return the move in force between what came before and what came after; no link may be missing."""
    last = earlier[-1] if earlier else None
    following = later[0] if later else None
    digest = last.digest if last else None
    if following is not None and following.fact.previous != digest:
        raise ChainBroken("a move between the two that are shown is left out")
    if following is None and head != digest:
        raise ChainBroken("a newer move is left out")
    return _stood(last, _time(following) if following else None) if last else None


def _stood(record: Record, until: datetime | None) -> Stood | None:
    """Return what a move made a name mean; None for one that took it off."""
    body: Alias | Rollout
    if record.kind is FactKind.ALIAS:
        body = alias = body_of(record.fact, Alias)
        if alias.ended:
            return None
    elif record.kind is FactKind.ROLLOUT:
        body = body_of(record.fact, Rollout)
    else:
        raise WrongSubject(f"{record.about} is no alias or endpoint")
    return Stood(record.about, body.model, body.number, record.digest, _time(record), until)


def _members(bundle: Mapping[str, Any]) -> tuple[str, datetime, Mapping[str, Any]]:
    if set(bundle) != {"type", "about", "at", "proofs"} or bundle["type"] != BUNDLE:
        raise BadRequest(f"not an {BUNDLE}")
    return str(bundle["about"]), moment_of(str(bundle["at"])), bundle["proofs"]


def moment_of(text: str) -> datetime:
    """Read an RFC 3339 time; without an offset it is UTC; raises BadRequest."""
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:  # the first and last days have no hour in every zone
        raise BadRequest(f"{text[:40]!r} is no time", fix="write it as 2026-11-21T09:30:00Z") from error


def _time(record: Record) -> datetime:
    return moment_of(record.fact.time)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
