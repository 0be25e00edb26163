"""What Feast is extended with: a data source for our batches and an offline store over the as-of join.

Feast finds both by their import path. The rows of one retrieval are decrypted beforehand and live in memory,
in the context of that retrieval alone (`reading`); nothing here opens a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.repo_config import FeastConfigBaseModel
from feast.saved_dataset import SavedDatasetStorage
from pydantic import TypeAdapter
from typing_extensions import override

from assay.errors import NotBuilt
from services.features import asof
from services.features.asof import AS_OF, RECORDED, TIME
from services.features.definition import Monthly, Source

_MODULE: Final = "services.features.adapters.feast_store"
STORE_TYPE: Final = f"{_MODULE}.SealedOfflineStore"
_SOURCE: Final[TypeAdapter[Source]] = TypeAdapter(Source)
_versions: ContextVar[Mapping[str, pl.DataFrame]] = ContextVar("versions")


@contextmanager
def reading(versions: Mapping[str, pl.DataFrame]) -> Iterator[None]:
    """Give the store the rows of each data set for the retrievals inside this context."""
    token = _versions.set(versions)
    try:
        yield
    finally:
        _versions.reset(token)


class SealedSource(DataSource):  # type: ignore[misc]  # Feast has no types
    """A data set's sealed batches and what a view makes of them."""

    def __init__(self, *, name: str, rule: Source, **rest: Any) -> None:  # noqa: ANN401 - Feast's own
        event_time = rule.event_time if isinstance(rule, Monthly) else None
        created = RECORDED if event_time is not None else None
        super().__init__(
            name=name, timestamp_field=event_time or RECORDED, created_timestamp_column=created, **rest
        )
        self.rule = rule

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedSource) and bool(super().__eq__(other)) and self.rule == other.rule

    def __hash__(self) -> int:
        return hash((self.name, self.rule.dataset))

    def source_type(self) -> Any:  # noqa: ANN401 - a protobuf enum
        """See Feast: a source of somebody else's making."""
        return DataSourceProto.CUSTOM_SOURCE

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> SealedSource:
        """Read a source back from the registry."""
        rule = _SOURCE.validate_json(data_source.custom_options.configuration)
        return SealedSource(
            name=data_source.name, rule=rule, description=data_source.description, tags=dict(data_source.tags)
        )

    def _to_proto_impl(self) -> DataSourceProto:
        return DataSourceProto(
            name=self.name,
            type=DataSourceProto.CUSTOM_SOURCE,
            data_source_class_type=f"{_MODULE}.SealedSource",
            custom_options=DataSourceProto.CustomSourceOptions(
                configuration=json.dumps(self.rule.model_dump(mode="json")).encode()
            ),
            timestamp_field=self.timestamp_field,
            created_timestamp_column=self.created_timestamp_column,
            description=self.description,
            tags=self.tags,
        )

    @override
    def validate(self, config: RepoConfig) -> None:
        """See Feast: a definition is checked before it comes here."""

    @override
    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        """Return the features this source gives; Feast asks when a view names none."""
        return [(name, "float32") for name, _ in self.rule.features()]

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        """Return how a source's types are Feast's."""
        return lambda _kind: ValueType.FLOAT


class SealedOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast has no types
    """The store's settings: none, and no path."""

    type: str = STORE_TYPE


class SealedRetrieval(RetrievalJob):  # type: ignore[misc]  # Feast has no types
    """A retrieval that joins in memory when it is asked for its rows."""

    def __init__(self, compute: Callable[[], pl.DataFrame], metadata: RetrievalMetadata) -> None:
        self._compute = compute
        self._metadata = metadata

    @property
    def full_feature_names(self) -> bool:
        """Say that features keep their plain names."""
        return False

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Return none: their functions would be pickled."""
        return []

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """Return what was asked for."""
        return self._metadata

    @override
    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._compute().to_arrow()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    @override
    def persist(
        self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None
    ) -> None:
        """Refuse: rows are kept sealed, by feature sets."""
        raise NotBuilt("saved data sets of Feast", fix="build a feature set: its rows are kept encrypted")


class SealedOfflineStore(OfflineStore):  # type: ignore[misc]  # Feast has no types
    """Point-in-time retrieval over rows that `reading` holds; entity rows nothing is known of are kept."""

    @staticmethod
    @override
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        **options: Any,
    ) -> RetrievalJob:
        """See Feast; `entity_df` is a frame with the join key and `event_timestamp`."""
        if not isinstance(entity_df, pd.DataFrame) or full_feature_names or any(options.values()):
            raise NotBuilt("retrieval without entity rows, with full feature names or with options")
        versions = _versions.get()
        wanted = {view.name: _wanted(view, feature_refs) for view in feature_views}

        def compute() -> pl.DataFrame:
            rows = _naive(pl.from_pandas(entity_df))
            for view in feature_views:
                rows = _joined(rows, view, versions, wanted[view.name])
            return rows

        moments = entity_df[AS_OF]
        keys = [name for name in entity_df.columns if name != AS_OF]
        return SealedRetrieval(
            compute, RetrievalMetadata(list(feature_refs), keys, moments.min(), moments.max())
        )


def _joined(
    rows: pl.DataFrame, view: FeatureView, versions: Mapping[str, pl.DataFrame], wanted: list[str]
) -> pl.DataFrame:
    source = view.batch_source
    if not isinstance(source, SealedSource):
        raise NotBuilt(f"features from a {type(source).__name__}")
    (key,) = view.join_keys
    return asof.join(rows, source.rule, versions[source.rule.dataset], key).select(*rows.columns, *wanted)


def _wanted(view: FeatureView, feature_refs: list[str]) -> list[str]:
    prefix = f"{view.projection.name_to_use()}:"
    return [ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)]


def _naive(rows: pl.DataFrame) -> pl.DataFrame:
    """Undo Feast's time zone: moments are naive UTC here."""
    moment = pl.col(AS_OF)
    if isinstance(rows.schema[AS_OF], pl.Datetime) and getattr(rows.schema[AS_OF], "time_zone", None):
        moment = moment.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return rows.with_columns(moment.cast(TIME))
