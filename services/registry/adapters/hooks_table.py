"""Webhooks in SQL: no facts, and not rebuilt from any. Their secrets lie here sealed by Vault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assay.database import create, insert_once, reading
from services.registry.hooks.domain import Hook
from services.registry.hooks.errors import WebhookExists

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
)


class SqlHooks:
    """See `hooks.ports.Hooks`."""

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database

    def add(self, hook: Hook) -> None:
        """Keep a new hook; raises WebhookExists."""
        row = {**vars(hook), "events": " ".join(hook.events)}
        with self._database.begin() as connection:
            made = connection.execute(insert_once(_HOOKS, self._database).values(**row))
        if made.rowcount == 0:
            raise WebhookExists(f"there is a webhook {hook.name!r}")

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""
        with reading(self._database) as connection:
            rows = connection.execute(sa.select(_HOOKS).order_by(_HOOKS.c.name)).mappings()
            return [Hook(**{**row, "events": tuple(row["events"].split())}) for row in rows]

    def remove(self, hook: Hook) -> None:
        """Forget a hook and its secret."""
        with self._database.begin() as connection:
            connection.execute(_HOOKS.delete().where(_HOOKS.c.id == hook.id))

    def told(self, hook: Hook, position: int) -> None:
        """Move a hook on, never back, and let it be tried again at once."""
        self._set(hook, failures=0, retry_at=0.0, disabled=False, last="taken")
        with self._database.begin() as connection:
            ours = _HOOKS.update().where(_HOOKS.c.id == hook.id, _HOOKS.c.position < position)
            connection.execute(ours.values(position=position))

    def failed(self, hook: Hook, why: str, *, retry_at: float, failures: int, disabled: bool) -> None:
        """Note a failed try."""
        self._set(hook, last=why, retry_at=retry_at, failures=failures, disabled=disabled)

    def _set(self, hook: Hook, **values: Any) -> None:  # noqa: ANN401 - columns
        with self._database.begin() as connection:
            connection.execute(_HOOKS.update().where(_HOOKS.c.id == hook.id).values(**values))
