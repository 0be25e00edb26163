"""Models, their versions and aliases, as pages list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

from assay.contracts import Revocation
from services.registry.domain import AliasRow, VersionRow
from services.registry.naming import DESCRIPTION
from services.registry.ports import Notes
from services.registry.usecases import Registry

T = TypeVar("T")


@dataclass(frozen=True)
class ShownVersion:
    """A version with the aliases that name it, and why it no longer counts, if so."""

    row: VersionRow
    aliases: tuple[AliasRow, ...]
    revoked: Revocation | None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ShownModel:
    """A model: its versions newest first, and its aliases in every environment."""

    name: str
    versions: tuple[ShownVersion, ...]
    aliases: tuple[AliasRow, ...]
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def newest(self) -> ShownVersion:
        """The version with the highest number."""
        return self.versions[0]


PAGE: Final = 50  # models or versions


@dataclass(frozen=True)
class Listed(Generic[T]):
    """One page of a list: `page` of `pages` counts from 1."""

    shown: tuple[T, ...]
    page: int
    pages: int
    total: int

    @classmethod
    def of(cls, everything: Sequence[T], page: int) -> Self:
        """Return a page; one past the last is the last."""
        pages = max(1, -(-len(everything) // PAGE))
        page = min(page, pages)
        return cls(tuple(everything[(page - 1) * PAGE : page * PAGE]), page, pages, len(everything))


def models_shown(
    registry: Registry, notes: Notes, wanted: str, page: int
) -> tuple[Listed[str], list[ShownModel]]:
    """Return a page of the models whose names hold some text, by name; only these are read."""
    names = [name for name in registry.believed.models() if wanted.lower() in name]
    listed = Listed.of(names, page)
    return listed, [model_shown(registry, notes, name) for name in listed.shown]


def model_shown(registry: Registry, notes: Notes, name: str) -> ShownModel:
    """Return a model; raises UnknownModel. Tags and descriptions are notes, on which nothing is decided."""
    rows = [VersionRow.of(record) for record in registry.believed.versions(name)]
    aliases = tuple(registry.believed.aliases(name))
    versions = [_version(registry, notes, row, aliases) for row in reversed(rows)]
    noted = notes.notes(name, 0)
    return ShownModel(name, tuple(versions), aliases, noted.get(DESCRIPTION, ""), _tags(noted))


def _version(registry: Registry, notes: Notes, row: VersionRow, aliases: Sequence[AliasRow]) -> ShownVersion:
    mine = tuple(each for each in aliases if each.number == row.number)
    return ShownVersion(row, mine, registry.log.revoked(row.fact), _tags(notes.notes(row.model, row.number)))


def _tags(noted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in noted.items() if key != DESCRIPTION))
