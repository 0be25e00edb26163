"""Webhooks in SQL: no facts, and not rebuilt from any. Their secrets lie here sealed by Vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from assay.database import create, insert_once, reading
from services.registry.hooks.domain import Hook, Words
from services.registry.hooks.errors import WebhookChanged, WebhookExists, WebhooksUnkept

_METADATA = sa.MetaData()
_HOOKS = sa.Table(
    "webhook",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(63), nullable=False, unique=True),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("form", sa.String(20), nullable=False),
    sa.Column("events", sa.String(500), nullable=False),
    sa.Column("sealed", sa.String(500), nullable=False),
    sa.Column("by", sa.String(63), nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("retry_at", sa.Float, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("last", sa.String(200), nullable=False),
    sa.Column("signed", sa.Boolean, nullable=False),
)
_WORDS = sa.Table(
    "webhook_words",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("changed", sa.String(40), nullable=False),
)


class SqlHooks:
    """See `hooks.ports.Hooks`."""

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database

    def add(self, hook: Hook) -> None:
        """Keep a new hook; raises WebhookExists."""
        row = {**vars(hook), "events": " ".join(hook.events)}
        with self._writing() as connection:
            made = connection.execute(insert_once(_HOOKS, self._database).values(**row))
        if made.rowcount == 0:
            raise WebhookExists(f"there is a webhook {hook.name!r}")

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""
        return self._read(sa.select(_HOOKS).order_by(_HOOKS.c.name))

    def get(self, hook: str) -> Hook | None:
        """Return one hook by its id."""
        return next(iter(self._read(sa.select(_HOOKS).where(_HOOKS.c.id == hook))), None)

    def change(self, hook: Hook, values: Mapping[str, Any]) -> None:
        """Change a hook whose address and secret are those that were read."""
        there = (_HOOKS.c.id == hook.id, _HOOKS.c.url == hook.url, _HOOKS.c.sealed == hook.sealed)
        row = {**values, **({"events": " ".join(values["events"])} if "events" in values else {})}
        if not row:
            return
        try:
            with self._writing() as connection:
                changed = connection.execute(_HOOKS.update().where(*there).values(**row))
        except sa.exc.IntegrityError as error:
            raise WebhookExists(f"there is a webhook {values.get('name')!r}") from error
        if changed.rowcount == 0:
            raise WebhookChanged(f"webhook {hook.name} is not what it was")

    def words(self, hook: str) -> Words | None:
        """Return what was written of a hook."""
        query = sa.select(_WORDS.c.description, _WORDS.c.changed).where(_WORDS.c.id == hook)
        with _kept(), reading(self._database) as connection:
            row = connection.execute(query).mappings().first()
        return Words(**row) if row else None

    def describe(self, hook: str, words: Words) -> None:
        """Put words in the place of those that were there."""
        with self._writing() as connection:
            connection.execute(_WORDS.delete().where(_WORDS.c.id == hook))
            connection.execute(_WORDS.insert().values(id=hook, **vars(words)))

    def remove(self, hook: Hook) -> None:
        """Forget a hook, its secret and what was written of it."""
        with self._writing() as connection:
            for table in (_HOOKS, _WORDS):
                connection.execute(table.delete().where(table.c.id == hook.id))

    def told(self, hook: Hook, position: int) -> None:
        """Move a hook on, never back, and let it be tried again at once."""
        self._set(hook, failures=0, retry_at=0.0, last="taken")
        with self._writing() as connection:
            ours = _HOOKS.update().where(_HOOKS.c.id == hook.id, _HOOKS.c.position < position)
            connection.execute(ours.values(position=position))

    def wake(self, hook: Hook) -> None:
        """Let a hook at rest be told again."""
        self._set(hook, failures=0, retry_at=0.0, last="taken", disabled=False)

    def failed(self, hook: Hook, why: str, *, retry_at: float, failures: int, disabled: bool) -> None:
        """Note a failed try; one that somebody disabled meanwhile stays so."""
        rests = {"disabled": True} if disabled else {}
        self._set(hook, last=why, retry_at=retry_at, failures=failures, **rests)

    def _set(self, hook: Hook, **values: Any) -> None:  # noqa: ANN401 - columns
        with self._writing() as connection:
            connection.execute(_HOOKS.update().where(_HOOKS.c.id == hook.id).values(**values))

    def _read(self, query: sa.Select[Any]) -> list[Hook]:
        with _kept(), reading(self._database) as connection:
            rows = connection.execute(query).mappings()
            return [Hook(**{**row, "events": tuple(row["events"].split())}) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _kept(), self._database.begin() as connection:
            yield connection


@contextmanager
def _kept() -> Iterator[None]:
    """Say in our words that the database does not answer; what it refuses to hold twice is the caller's to name."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.SQLAlchemyError as error:
        raise WebhooksUnkept(f"the registry's database did not answer: {type(error).__name__}") from error
