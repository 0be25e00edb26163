"""Rows are believed only when their facts say the same: an edited database makes the registry refuse, never lie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from assay.contracts import Environment, Version, body_of
from assay.ledger import Record
from services.registry.domain import (
    AliasRow,
    VersionRow,
    WordRow,
    alias_about,
    model_about,
    standing_alias,
)
from services.registry.errors import ProjectionTampered, UnknownAlias, UnknownModel, UnknownVersion
from services.registry.ports import Log, Shelf

P = ParamSpec("P")
T = TypeVar("T")
LARGEST: Final = (1 << 31) - 1  # what a table's column holds; there is no version beyond


def _looked_at_again(
    read: Callable[Concatenate[Believed, P], T],
) -> Callable[Concatenate[Believed, P], T]:
    """Read once more with the log held still before saying that a table lies: it may be an entry behind."""

    @wraps(read)
    def reading(believed: Believed, /, *given: P.args, **named: P.kwargs) -> T:
        try:
            return read(believed, *given, **named)
        except (ProjectionTampered, UnknownAlias):
            with believed.log.settled():
                return read(believed, *given, **named)

    return reading


class Believed:
    """Reads of the tables, each checked against the log; the records returned are the log's own."""

    def __init__(self, shelf: Shelf, log: Log, tenant: str) -> None:
        self._shelf = shelf
        self.log = log
        self._tenant = tenant

    @_looked_at_again
    def models(self) -> list[str]:
        """Return every model's name."""
        names = list(self._shelf.models())
        if names != sorted(
            {r.about.rpartition("/")[2] for r in self.log.records(about_prefix=f"model/{self._tenant}/")}
        ):
            raise ProjectionTampered("the table of versions names other models than the ledger")
        return names

    @_looked_at_again
    def version(self, model: str, number: int) -> Record:
        """Return the fact of one version."""
        row = self._shelf.version(model, number) if 0 < number <= LARGEST else None
        if row is None:
            if 1 <= number <= self._newest(model):
                raise ProjectionTampered(
                    f"{model} v{number} is in the ledger and not in the table of versions"
                )
            raise UnknownVersion(f"there is no {model} v{number}")
        return self._version(row)

    @_looked_at_again
    def versions(self, model: str) -> list[Record]:
        """Return the facts of a model's versions, by number."""
        rows = self._shelf.versions(model)
        newest = self._newest(model)
        if not rows and not newest:
            raise UnknownModel(f"there is no model {model[:63]!r}")
        if [row.number for row in rows] != list(range(1, newest + 1)):
            raise ProjectionTampered(f"the table of versions holds {len(rows)} of {newest} of {model}")
        return [self._version(row) for row in rows]

    @_looked_at_again
    def alias(self, environment: Environment, model: str, alias: str) -> Record:
        """Return the newest fact about an alias."""
        row = self._shelf.alias(environment, model, alias)
        head = standing_alias(self.log.head(alias_about(environment.value, model, alias)))
        if row is None and head is None:
            raise UnknownAlias(f"{model} has no alias {alias!r} in {environment}")
        if row is None or head is None or AliasRow.of(head) != row:
            raise ProjectionTampered(f"the table of aliases and the ledger differ about {model}@{alias}")
        return head

    @_looked_at_again
    def aliases(self, model: str) -> list[AliasRow]:
        """Return a model's aliases in every environment."""
        rows = self._shelf.aliases(model)
        return [AliasRow.of(self.alias(Environment(r.environment), r.model, r.alias)) for r in rows]

    @_looked_at_again
    def words(self, model: str, number: int) -> list[Record]:
        """Return the facts of what people said last about a version."""
        return [self._word(row) for row in self._shelf.words(model, number)]

    def _version(self, row: VersionRow) -> Record:
        record = self.log.record(row.fact)
        about = model_about(self._tenant, row.model)
        if record is None or record.about != about or VersionRow.of(record) != row:
            raise ProjectionTampered(f"the row of {row.model} v{row.number} does not say what its fact says")
        return record

    def _word(self, row: WordRow) -> Record:
        head = self.log.head(row.about)
        if head is None or WordRow.of(head) != row:
            raise ProjectionTampered(f"the row of what {row.person} said does not say what the ledger says")
        return head

    def _newest(self, model: str) -> int:
        head = self.log.head(model_about(self._tenant, model))
        return body_of(head.fact, Version).number if head else 0
