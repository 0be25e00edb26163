"""Models, their versions and aliases, as pages list them."""

from __future__ import annotations

from dataclasses import dataclass

from assay.contracts import Revocation
from services.registry.domain import AliasRow, VersionRow
from services.registry.usecases import Registry


@dataclass(frozen=True)
class ShownVersion:
    """A version with the aliases that name it, and why it no longer counts, if so."""

    row: VersionRow
    aliases: tuple[AliasRow, ...]
    revoked: Revocation | None


@dataclass(frozen=True)
class ShownModel:
    """A model: its versions newest first, and its aliases in every environment."""

    name: str
    versions: tuple[ShownVersion, ...]
    aliases: tuple[AliasRow, ...]

    @property
    def newest(self) -> ShownVersion:
        """The version with the highest number."""
        return self.versions[0]


def models_shown(registry: Registry) -> list[ShownModel]:
    """Return every model, by name."""
    return [model_shown(registry, name) for name in registry.believed.models()]


def model_shown(registry: Registry, name: str) -> ShownModel:
    """Return a model; raises UnknownModel."""
    rows = [VersionRow.of(record) for record in registry.believed.versions(name)]
    aliases = tuple(registry.believed.aliases(name))
    versions = [
        ShownVersion(row, tuple(a for a in aliases if a.number == row.number), registry.log.revoked(row.fact))
        for row in reversed(rows)
    ]
    return ShownModel(name, tuple(versions), aliases)
