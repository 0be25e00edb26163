"""Searching what happened: over the verified log itself, so that nothing can be hidden by an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from assay.contracts import FactKind
from assay.custody.history import moment_of
from assay.errors import BadRequest
from assay.journal import named_in
from assay.ledger import Record
from services.registry.usecases import Registry

PAGE: Final = 50


@dataclass(frozen=True)
class Sought:
    """What is looked for; what is None or empty is not asked. `before` is a log index: newer entries are left out."""

    person: str = ""
    kind: FactKind | None = None
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    def has(self, record: Record) -> bool:
        """Say whether a fact is one of these."""
        return (
            (self.kind is None or record.kind is self.kind)
            and self.about in record.about
            and (self.since is None or _time(record) >= self.since)
            and (self.until is None or _time(record) < self.until)
            and (not self.person or self.person in named_in(record.fact.body))
        )


@dataclass(frozen=True)
class Found:
    """A fact, and whom it names."""

    record: Record
    people: tuple[str, ...]


@dataclass(frozen=True)
class Trail:
    """A page of what was found, newest first; `more` is where the next page begins, None at the end."""

    found: tuple[Found, ...]
    more: int | None
    size: int


def trail_shown(registry: Registry, sought: Sought) -> Trail:
    """Return the newest facts of the tenant that are looked for; batches of journals are left to their own search."""
    found: list[Found] = []
    records = registry.log.records(sought.kind)
    for record in reversed(records):
        if sought.before is not None and record.index >= sought.before:
            continue
        if record.fact.tenant != registry.tenant or (record.kind is FactKind.JOURNAL and sought.kind is None):
            continue
        if sought.has(record):
            if len(found) == PAGE:
                return Trail(tuple(found), found[-1].record.index, registry.log.checkpoint().size)
            people = sorted(name for name in named_in(record.fact.body) if name.startswith("p-"))
            found.append(Found(record, tuple(people)))
    return Trail(tuple(found), None, registry.log.checkpoint().size)


def sought_of(person: str, kind: str, about: str, since: str, until: str, before: int | None) -> Sought:
    """Read what a form asks; raises BadRequest for a kind or time that is none."""
    if kind and kind not in set(FactKind):
        raise BadRequest(f"{kind[:40]!r} is no kind of fact")
    return Sought(
        person.strip(),
        FactKind(kind) if kind else None,
        about.strip(),
        moment_of(since) if since else None,
        moment_of(until) if until else None,
        before,
    )


def _time(record: Record) -> datetime:
    return moment_of(record.fact.time)
