"""Every version and alias in memory, made of followed facts: what searching and listing read, however many there are.

Nothing here comes from the database, so nothing here has to be compared with anything. Versions stand in the order
MLflow lists them: newest first, then by name, then by number downwards.
"""

from __future__ import annotations

import bisect
import heapq
import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from assay.contracts import FactKind
from assay.ledger import Record
from services.registry.domain import AliasRow, VersionRow, standing_alias

Order: TypeAlias = tuple[int, str, int]
_NONE: Final = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version as a search sees it. `ms` is when it was registered, milliseconds since 1970; `order` its place."""

    record: Record
    row: VersionRow
    ms: int
    mlflow_run: str
    contributors: str
    order: Order


class Listed:
    """Entries, in their order whenever they are read: put in place at the next reading after some were added."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._sorted = True

    def put(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries.append(entry)
        self._sorted = False

    def read(self) -> Sequence[Entry]:
        """Return the entries; what is returned does not change."""
        if not self._sorted:
            self._entries = sorted(self._entries, key=operator.attrgetter("order"))
            self._sorted = True
        return self._entries


class Catalogue:
    """A projection of version, alias and run facts of one tenant; see `assay.ledger.Projection`."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._next = 0
        self._all = Listed()
        self._by_name: dict[str, Listed] = {}
        self._by_run: dict[str, Listed] = {}
        self._ends: dict[str, tuple[Entry, Entry]] = {}  # first and newest
        self._aliases: dict[str, dict[tuple[str, str], int]] = {}
        self._runs: dict[str, str] = {}  # run fact -> MLflow run
        self._names: list[str] = []
        self._reading = threading.Lock()

    def applied(self) -> int:
        """Return the next ledger index wanted."""
        return self._next

    def apply(self, record: Record) -> None:
        """Take one record in, of any kind."""
        with self._reading:
            self._next = record.index + 1
            if record.fact.tenant != self._tenant:
                return
            if record.kind is FactKind.RUN:
                self._runs[record.digest] = _mlflow_run(record)
            elif record.kind is FactKind.VERSION:
                self._take(record)
            elif record.kind is FactKind.ALIAS:
                self._point(record)

    def names(self) -> list[str]:
        """Return every model that has a version, sorted."""
        with self._reading:
            return list(self._names)

    def ends(self, model: str) -> tuple[Entry, Entry] | None:
        """Return a model's first and newest version; None when it has none."""
        with self._reading:
            return self._ends.get(model)

    def aliases(self, model: str) -> dict[tuple[str, str], int]:
        """Return where a model's aliases point, by environment and alias."""
        with self._reading:
            return dict(self._aliases.get(model, {}))

    def listed(self, *, name: Callable[[str], bool] | None = None, run: str | None = None) -> Iterable[Entry]:
        """Return versions in order: all, those of names that fit, or those of one MLflow run."""
        with self._reading:
            if run is not None:
                return self._by_run.get(run, Listed()).read()
            if name is None:
                return self._all.read()
            wanted = [one for one in self._names if name(one)]
            if len(wanted) == 1:
                return self._by_name[wanted[0]].read()
            if len(wanted) == len(self._names):
                return self._all.read()
            parts = [self._by_name[one].read() for one in wanted]
            return heapq.merge(*parts, key=operator.attrgetter("order"))  # read as far as a page needs

    def _point(self, record: Record) -> None:
        row = AliasRow.of(record)
        named = self._aliases.setdefault(row.model, {})
        if standing_alias(record) is None:
            named.pop((row.environment, row.alias), None)
        else:
            named[row.environment, row.alias] = row.number

    def _take(self, record: Record) -> None:
        row = VersionRow.of(record)
        ms = int(datetime.fromisoformat(record.fact.time).timestamp() * 1000)
        run = self._runs.get(row.run, _NONE)
        order = (-ms, row.model, -row.number)
        entry = Entry(record, row, ms, run, ", ".join(record.fact.body["contributors"]), order)
        if row.model not in self._by_name:
            bisect.insort(self._names, row.model)
            self._by_name[row.model] = Listed()
            self._ends[row.model] = (entry, entry)
        self._ends[row.model] = (self._ends[row.model][0], entry)
        for listed in (self._all, self._by_name[row.model], self._by_run.setdefault(run, Listed())):
            listed.put(entry)


def _mlflow_run(record: Record) -> str:
    definition: Any = record.fact.body.get("buildDefinition", {})
    return str(definition.get("internalParameters", {}).get("mlflowRun", _NONE))
