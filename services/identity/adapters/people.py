"""The names of people in SQL: one table, and deleting a row is deleting the name."""

from __future__ import annotations

import sqlalchemy as sa

from assay.contracts import PersonId
from assay.database import create, reading
from services.identity.domain import display_name
from services.identity.errors import NameTaken

_METADATA = sa.MetaData()
_PEOPLE = sa.Table(
    "people",
    _METADATA,
    sa.Column("person", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, unique=True),
)


class SqlNames:
    """`services.identity.ports.Names` over SQLAlchemy; also how `assay init` names a demonstration's people."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        create(database, _METADATA)

    def person(self, name: str) -> PersonId | None:
        """Return who has this name."""
        with reading(self._database) as connection:
            found = connection.scalar(sa.select(_PEOPLE.c.person).where(_PEOPLE.c.name == name))
        return PersonId(found) if found else None

    def all(self) -> dict[PersonId, str]:
        """Return every name."""
        with reading(self._database) as connection:
            rows = connection.execute(sa.select(_PEOPLE.c.person, _PEOPLE.c.name)).all()
        return {PersonId(person): name for person, name in rows}

    def put(self, person: PersonId, name: str) -> None:
        """Give a person a name, in place of an earlier one; raises NameTaken, BadRequest."""
        named = display_name(name)
        try:
            with self._database.begin() as connection:
                connection.execute(sa.delete(_PEOPLE).where(_PEOPLE.c.person == person))
                connection.execute(sa.insert(_PEOPLE).values(person=person, name=named))
        except sa.exc.IntegrityError as error:
            raise NameTaken(f"{named!r} is the name of another person") from error

    def forget(self, person: PersonId) -> None:
        """Delete a person's name."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(_PEOPLE).where(_PEOPLE.c.person == person))
