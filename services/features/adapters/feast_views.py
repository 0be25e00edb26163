"""Views as Feast objects in a Feast registry, and retrieval through Feast.

The registry is a cache in the service's folder and never believed: before each retrieval the view is applied
again from its definition, so a lost, broken or edited registry changes nothing. Feast and pandas take seconds
to import: they are loaded after the service answers.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from services.features.asof import AS_OF
from services.features.definition import MONTHS_AHEAD, Definition
from services.features.errors import BadDefinition

_DIGEST: Final = "definition"


def project(tenant: str) -> str:
    """Return a tenant's name as Feast allows one for a project: without hyphens."""
    return tenant.replace("-", "_")


class FeastViews:
    """One tenant's Feast project; used by one thread at a time."""

    def __init__(self, folder: Path, project: str) -> None:
        self._folder = folder
        self._project = project
        self._turn = threading.RLock()
        self._opened: Any = None

    def load(self) -> None:
        """Import Feast and open the registry; takes seconds."""
        with self._turn:
            self._store()

    def define(self, view: str, definition: Definition) -> None:
        """Apply a view's Feast objects; raises BadDefinition when Feast refuses them."""
        with self._turn:
            store = self._store()
            try:
                store.apply(_objects(view, definition))
            except ValueError as error:
                raise BadDefinition(
                    f"Feast refuses the view: {' '.join(str(error).split())[:200]}"
                ) from error

    def retrieve(
        self, view: str, definition: Definition, rows: pl.DataFrame, versions: Mapping[str, pl.DataFrame]
    ) -> pl.DataFrame:
        """Return entity rows with the view's features, in the rows' order."""
        from services.features.adapters.feast_store import reading

        with self._turn, reading(versions):
            self.define(view, definition)
            store = self._store()
            entities = rows.select(definition.entity.key, AS_OF).to_pandas()
            job = store.get_historical_features(entity_df=entities, features=store.get_feature_service(view))
            found = job.to_arrow()
        features = pl.DataFrame(found).drop(definition.entity.key, AS_OF)
        together = pl.concat([rows, features], how="horizontal")
        order = [name for name in definition.features if name != MONTHS_AHEAD]
        return together.select(*rows.columns, *order)

    def _store(self) -> Any:  # noqa: ANN401 - Feast is imported late
        if self._opened is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._opened = _readable(self._folder / "registry.db", self._project)
        return self._opened


def _readable(registry: Path, project: str) -> Any:  # noqa: ANN401 - Feast is imported late
    """Open the registry, an empty one when what is there cannot be read."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types

    try:
        store = _opened(registry, project)
        store.list_feature_services()
    except DecodeError:
        registry.unlink()
        return _opened(registry, project)
    return store


def _opened(registry: Path, project: str) -> Any:  # noqa: ANN401 - Feast is imported late
    from feast import FeatureStore, RepoConfig

    from services.features.adapters.feast_store import STORE_TYPE

    return FeatureStore(
        config=RepoConfig(
            project=project,
            provider="local",
            registry={"registry_type": "file", "path": str(registry), "cache_ttl_seconds": 0},
            offline_store={"type": STORE_TYPE},
            online_store=None,
            entity_key_serialization_version=3,
        )
    )


def _objects(view: str, definition: Definition) -> list[Any]:
    """Return the Feast objects of a view: its entity, one feature view per source, one feature service."""
    from feast import Entity, FeatureService, FeatureView, Field, ValueType
    from feast.types import Float32

    from services.features.adapters.feast_store import SealedSource

    entity = Entity(
        name=definition.entity.name, join_keys=[definition.entity.key], value_type=ValueType.INT64
    )
    tags = {_DIGEST: definition.digest}
    views = [
        FeatureView(
            name=f"{view}__{source.dataset}",
            entities=[entity],
            schema=[Field(name=name, dtype=Float32) for name, _ in source.features()],
            source=SealedSource(name=f"{view}__{source.dataset}", rule=source),
            online=False,
            tags=tags,
        )
        for source in definition.sources
    ]
    return [entity, *views, FeatureService(name=view, features=views, tags=tags)]
