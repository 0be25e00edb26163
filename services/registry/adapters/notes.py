"""Names, tags and descriptions that MLflow's clients write, in SQL. They are no facts: nothing is decided on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from assay.database import create, insert_once, reading

NAMED: Final = ""  # the key of a description; a model that was named has one, empty at first
_METADATA = sa.MetaData()
_NOTES = sa.Table(
    "note",
    _METADATA,
    sa.Column("model", sa.String(63), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 0: the model itself
    sa.Column("key", sa.String(250), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("by", sa.String(63), nullable=False),
    sa.Index("note_by_key", "key"),
)


class SqlNotes:
    """One tenant's drafts. See `ports.Notes`."""

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database

    def names(self) -> Sequence[str]:
        """Return every model that was named, sorted."""
        named = (_NOTES.c.number == 0) & (_NOTES.c.key == NAMED)
        with reading(self._database) as connection:
            return list(connection.scalars(sa.select(_NOTES.c.model).where(named).order_by(_NOTES.c.model)))

    def name(self, model: str, *, by: str) -> bool:
        """Name a model; False when it has been named before."""
        row = {"model": model, "number": 0, "key": NAMED, "value": "", "by": by}
        with self._database.begin() as connection:
            return bool(connection.execute(insert_once(_NOTES, self._database).values(**row)).rowcount)

    def notes(self, model: str, number: int) -> Mapping[str, str]:
        """Return what was noted of a version, or of a model (0), by key."""
        query = sa.select(_NOTES.c.key, _NOTES.c.value).where(*_of(model, number)).order_by(_NOTES.c.key)
        with reading(self._database) as connection:
            return {str(key): str(value) for key, value in connection.execute(query)}

    def note(self, model: str, number: int, noted: Mapping[str, str], *, by: str) -> None:
        """Put notes in the place of those with their keys."""
        with self._database.begin() as connection:
            for key, value in noted.items():
                connection.execute(_NOTES.delete().where(*_of(model, number), _NOTES.c.key == key))
                row = {"model": model, "number": number, "key": key, "value": value, "by": by}
                connection.execute(_NOTES.insert().values(**row))

    def forget(self, model: str, number: int, key: str) -> None:
        """Take a note away."""
        with self._database.begin() as connection:
            connection.execute(_NOTES.delete().where(*_of(model, number), _NOTES.c.key == key))

    def notes_of(self, which: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Mapping[str, str]]:
        """Return what was noted of several versions and models."""
        found: dict[tuple[str, int], dict[str, str]] = {}
        models = sorted({model for model, _ in which})
        numbers = sorted({number for _, number in which})
        query = sa.select(_NOTES.c.model, _NOTES.c.number, _NOTES.c.key, _NOTES.c.value).where(
            _NOTES.c.model.in_(models), _NOTES.c.number.in_(numbers)
        )
        with reading(self._database) as connection:
            for model, number, key, value in connection.execute(query.order_by(_NOTES.c.key)):
                found.setdefault((model, number), {})[key] = value
        return {place: noted for place, noted in found.items() if place in which}

    def noted(self, key: str) -> Mapping[tuple[str, int], str]:
        """Return every note of a key, by model and number."""
        query = sa.select(_NOTES.c.model, _NOTES.c.number, _NOTES.c.value).where(_NOTES.c.key == key)
        with reading(self._database) as connection:
            return {
                (str(model), int(number)): str(value) for model, number, value in connection.execute(query)
            }


def _of(model: str, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (_NOTES.c.model == model, _NOTES.c.number == number)
