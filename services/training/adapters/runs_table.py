"""Runs in SQL: what is under way as it goes, what succeeded as its fact says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from assay.contracts import FactKind, sha256_hex
from assay.database import AppliedIndex, create, reading
from assay.ledger import Record
from services.training.domain import Offered, Run, State
from services.training.errors import RowContradictsProcess, UnknownRun
from services.training.facts import run_of

_METADATA = sa.MetaData()
_RUNS = sa.Table(
    "runs",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("started", sa.String(40), nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
)


class SqlRuns:
    """A `Runs`; SQLite's and PostgreSQL's own locks keep changes of one run apart.

    A run's fact is made of its row, so the row of a run under way is believed only while it says what was written.
    """

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database
        self._applied = AppliedIndex(database)
        self._written: dict[str, str] = {}  # run -> SHA-256 of its row
        self._turn = threading.RLock()  # nobody compares a row between its commit and what is known of it

    def get(self, run: str) -> Run:
        """See `ports.Runs.get`."""
        with self._turn, reading(self._database) as connection:
            return self._found(connection, run)

    def put(self, run: Run) -> None:
        """See `ports.Runs.put`."""
        with self._turn, self._database.begin() as connection:
            self._write(connection, run)

    def change(self, run: str, change: Callable[[Run], Run]) -> Run:
        """See `ports.Runs.change`."""
        with self._turn, self._database.begin() as connection:
            before = self._found(connection, run)
            after = change(before)
            if after != before:
                self._write(connection, after)
            return after

    def every(self) -> list[Run]:
        """See `ports.Runs.every`."""
        query = sa.select(_RUNS.c.document).order_by(_RUNS.c.started.desc(), _RUNS.c.id)
        with reading(self._database) as connection:
            return [_read(text) for text in connection.scalars(query)]

    def applied(self) -> int:
        """See `assay.ledger.Projection.applied`."""
        return self._applied.get()

    def apply(self, record: Record) -> None:
        """See `assay.ledger.Projection.apply`."""
        with self._turn, self._database.begin() as connection:
            if record.kind is FactKind.RUN:
                told = run_of(record)
                kept = _find(connection, told.id)
                self._write(connection, told if kept is None else told.beside(kept))
            self._applied.set(connection, record.index + 1)

    def _found(self, connection: sa.Connection, run: str) -> Run:
        found = _find(connection, run)
        if found is None:
            raise UnknownRun(f"there is no run {run[:63]!r}")
        if not found.is_over and self._written.get(run, there := _digest(found)) != there:
            raise RowContradictsProcess(f"the row of {run} is not what training wrote")
        return found

    def _write(self, connection: sa.Connection, run: Run) -> None:
        _write(connection, run)
        self._written[run.id] = _digest(run)


def _find(connection: sa.Connection, run: str) -> Run | None:
    query = sa.select(_RUNS.c.document).where(_RUNS.c.id == run).with_for_update()
    text = connection.scalar(query)
    return None if text is None else _read(text)


def _write(connection: sa.Connection, run: Run) -> None:
    values = {"started": run.started, "document": json.dumps(asdict(run))}
    changed = connection.execute(_RUNS.update().where(_RUNS.c.id == run.id).values(**values))
    if changed.rowcount == 0:
        connection.execute(_RUNS.insert().values(id=run.id, **values))


def _digest(run: Run) -> str:
    return sha256_hex(json.dumps(asdict(run), sort_keys=True).encode())


def _read(text: str) -> Run:
    told: dict[str, Any] = json.loads(text)
    offered = tuple(Offered(**each) for each in told.pop("offered"))
    return Run(**{**told, "state": State(told["state"]), "offered": offered})
