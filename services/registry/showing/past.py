"""What each alias and endpoint meant when, as spans of time and as a picture of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assay.contracts import FactKind
from assay.custody.errors import HistoryUnknown
from assay.custody.history import Stood, export_history, history, verify_history
from assay.errors import NotFound
from assay.ledger import Record
from services.registry.usecases import Registry

WIDE = 1000.0  # units of the picture


@dataclass(frozen=True)
class Span:
    """A version's time under a name, and where it lies in the picture: `x` and `width` of WIDE."""

    stood: Stood
    x: float
    width: float

    @property
    def colour(self) -> int:
        """One of four colours, by the version's number."""
        return self.stood.number % 4


@dataclass(frozen=True)
class Line:
    """One alias or endpoint with everything it meant, newest first."""

    about: str
    kind: str
    environment: str
    name: str
    spans: tuple[Span, ...]


def lines_shown(registry: Registry) -> list[Line]:
    """Return every alias and endpoint of the tenant that ever named a version, by name."""
    moves = _moves(registry)
    told = {about: spans for about, records in moves.items() if (spans := history(records))}
    if not told:
        return []
    first = min(each.since for spans in told.values() for each in spans)
    now = datetime.fromtimestamp(registry.log.checkpoint().time_ms / 1000, UTC)
    return [_line(about, spans, first, now) for about, spans in sorted(told.items())]


def stood_at(registry: Registry, about: str, at: datetime) -> Stood | None:
    """Return what a name meant at a time, None when nothing.

    Raises:
        NotFound: there is no such name.
        HistoryUnknown: the time lies after the newest checkpoint.
    """
    records = _known(registry, about)
    now = datetime.fromtimestamp(registry.log.checkpoint().time_ms / 1000, UTC)
    if at > now:
        raise HistoryUnknown(f"{at.isoformat()} is after the newest checkpoint")
    newest = next((stood for stood in history(records) if stood.since <= at), None)
    return newest if newest and (newest.until is None or at < newest.until) else None


def proof_of(registry: Registry, about: str, at: datetime) -> dict[str, Any]:
    """Return the file that proves it, verified as it leaves; raises NotFound, HistoryUnknown."""
    _known(registry, about)
    bundle = export_history(registry.ledger, about, at)
    verify_history(bundle, registry.root)
    return bundle


def _known(registry: Registry, about: str) -> list[Record]:
    records = _moves(registry).get(about)
    if records is None:
        raise NotFound(f"no alias or endpoint is {about[:120]!r}", fix="choose one of the list")
    return records


def _moves(registry: Registry) -> dict[str, list[Record]]:
    """Return every move of a name, newest first."""
    found: dict[str, list[Record]] = defaultdict(list)
    for kind in (FactKind.ALIAS, FactKind.ROLLOUT):
        for record in registry.log.records(kind):
            if record.fact.tenant == registry.tenant:
                found[record.about].insert(0, record)
    return found


def _line(about: str, spans: Iterable[Stood], first: datetime, now: datetime) -> Line:
    kind, environment, name = about.split("/", 2)
    whole = max((now - first).total_seconds(), 1.0)
    drawn = []
    for stood in spans:
        begins = (stood.since - first).total_seconds() / whole
        ends = min(((stood.until or now) - first).total_seconds() / whole, 1.0)
        drawn.append(Span(stood, round(begins * WIDE, 1), round(max((ends - begins) * WIDE, 6.0), 1)))
    return Line(about, kind, environment, name, tuple(drawn))
