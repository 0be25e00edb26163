"""The projection of version, alias and approval facts in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assay.contracts import Environment, FactKind
from assay.database import AppliedIndex, create, insert_once, reading
from assay.ledger import Record
from services.registry.domain import DECISIONS, AliasRow, VersionRow, WordRow, standing_alias

_METADATA = sa.MetaData()
_VERSIONS = sa.Table(
    "version",
    _METADATA,
    sa.Column("model", sa.String(63), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("fact", sa.String(64), nullable=False),
    sa.Column("package", sa.String(64), nullable=False, index=True),
    sa.Column("signature", sa.String(64), nullable=False),
    sa.Column("run", sa.String(64), nullable=False),
    sa.Column("checkpoint", sa.String(200), nullable=False),
    sa.Column("tier", sa.String(10), nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
)
_ALIASES = sa.Table(
    "alias",
    _METADATA,
    sa.Column("environment", sa.String(10), primary_key=True),
    sa.Column("model", sa.String(63), primary_key=True),
    sa.Column("alias", sa.String(63), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("fact", sa.String(64), nullable=False),
)
_WORDS = sa.Table(
    "word",
    _METADATA,
    sa.Column("environment", sa.String(10), primary_key=True),
    sa.Column("model", sa.String(63), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("person", sa.String(63), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("fact", sa.String(64), nullable=False),
)


class SqlShelf:
    """One tenant's models; rebuilt from the ledger when the database is new. See `ports.Shelf`."""

    def __init__(self, database: sa.Engine, tenant: str) -> None:
        create(database, _METADATA)
        self._database = database
        self._tenant = tenant
        self._applied = AppliedIndex(database)

    def applied(self) -> int:
        """Return the next ledger index wanted."""
        return self._applied.get()

    def apply(self, record: Record) -> None:
        """Take one record in, of any kind; the same one again changes nothing."""
        with self._database.begin() as connection:
            if record.fact.tenant == self._tenant:
                self._take(connection, record)
            self._applied.set(connection, record.index + 1)

    def models(self) -> Sequence[str]:
        """Return the names of all models, sorted."""
        with reading(self._database) as connection:
            query = sa.select(_VERSIONS.c.model).distinct().order_by(_VERSIONS.c.model)
            return list(connection.scalars(query))

    def versions(self, model: str) -> Sequence[VersionRow]:
        """Return a model's versions by number."""
        query = sa.select(_VERSIONS).where(_VERSIONS.c.model == model).order_by(_VERSIONS.c.number)
        return [VersionRow(**row) for row in self._rows(query)]

    def version(self, model: str, number: int) -> VersionRow | None:
        """Return one version."""
        query = sa.select(_VERSIONS).where(_VERSIONS.c.model == model, _VERSIONS.c.number == number)
        return next((VersionRow(**row) for row in self._rows(query)), None)

    def aliases(self, model: str) -> Sequence[AliasRow]:
        """Return a model's aliases in every environment."""
        ordered = (_ALIASES.c.environment, _ALIASES.c.alias)
        query = sa.select(_ALIASES).where(_ALIASES.c.model == model).order_by(*ordered)
        return [AliasRow(**row) for row in self._rows(query)]

    def alias(self, environment: Environment, model: str, alias: str) -> AliasRow | None:
        """Return one alias."""
        key = {"environment": environment.value, "model": model, "alias": alias}
        query = sa.select(_ALIASES).where(*(_ALIASES.c[name] == value for name, value in key.items()))
        return next((AliasRow(**row) for row in self._rows(query)), None)

    def words(self, model: str, number: int) -> Sequence[WordRow]:
        """Return what people said last about a version, in every environment."""
        ordered = (_WORDS.c.environment, _WORDS.c.person)
        query = sa.select(_WORDS).where(_WORDS.c.model == model, _WORDS.c.number == number)
        return [WordRow(**row) for row in self._rows(query.order_by(*ordered))]

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with reading(self._database) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _take(self, connection: sa.Connection, record: Record) -> None:
        if record.kind is FactKind.VERSION:
            values = vars(VersionRow.of(record))
            connection.execute(insert_once(_VERSIONS, self._database).values(**values))
        elif record.kind is FactKind.ALIAS:
            _replace(connection, _ALIASES, vars(AliasRow.of(record)), gone=standing_alias(record) is None)
        elif record.kind in DECISIONS:
            _replace(connection, _WORDS, vars(WordRow.of(record)))


def _replace(
    connection: sa.Connection, table: sa.Table, values: dict[str, Any], *, gone: bool = False
) -> None:
    """Put a row in the place of the one with its key: the newest fact about one thing; none where it is `gone`."""
    key = [column == values[column.name] for column in table.primary_key.columns]
    connection.execute(table.delete().where(*key))
    if not gone:
        connection.execute(table.insert().values(**values))
