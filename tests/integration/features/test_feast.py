"""Feast's own path: objects applied to its registry, read back from it, and retrieval through our store."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from assay.errors import NotBuilt

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import feast
    from feast import FeatureStore, RepoConfig

from services.features import rows
from services.features.adapters.feast_store import STORE_TYPE, SealedSource, reading
from services.features.adapters.feast_views import FeastViews
from services.features.asof import AS_OF
from services.features.definition import Definition

DEFINITION = Definition.parse(
    {
        "entity": {"name": "client", "key": "client_id"},
        "sources": [
            {"dataset": "statements", "event_time": "dated", "months": 2, "lags": ["bill"], "count": "known"},
            {"dataset": "clients", "columns": ["age"]},
        ],
    }
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


VERSIONS = {
    "statements": rows.in_order(
        [
            pl.DataFrame(
                {
                    "client_id": [1, 1],
                    "dated": [at("2005-04-30"), at("2005-05-31")],
                    "recorded_at": [at("2005-05-01"), at("2005-06-20")],
                    "bill": [10, 20],
                }
            )
        ]
    ),
    "clients": rows.in_order(
        [pl.DataFrame({"client_id": [1], "age": [30], "recorded_at": [at("2005-04-01")]})]
    ),
}
ENTITIES = pd.DataFrame(
    {"client_id": [2, 1, 1], AS_OF: pd.to_datetime(["2005-06-01", "2005-06-01", "2005-07-01"])}
)


def opened(folder: Path) -> FeatureStore:
    """Open the registry as any user of Feast would."""
    return FeatureStore(
        config=RepoConfig(
            project="demo",
            provider="local",
            registry=str(folder / "registry.db"),
            offline_store={"type": STORE_TYPE},
            online_store=None,
            entity_key_serialization_version=3,
        )
    )


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    FeastViews(tmp_path, "demo").define("credit", DEFINITION)
    return opened(tmp_path)


def test_a_view_is_feast_objects_in_feasts_registry(store: FeatureStore) -> None:
    assert {view.name for view in store.list_feature_views()} == {"credit__statements", "credit__clients"}
    service = store.get_feature_service("credit")
    assert service.tags["definition"] == DEFINITION.digest
    source = store.get_feature_view("credit__statements").batch_source
    assert isinstance(source, SealedSource)
    assert source.rule == DEFINITION.sources[0]
    assert source.created_timestamp_column == "recorded_at"


def test_feasts_own_retrieval_keeps_every_entity_row_in_order(store: FeatureStore) -> None:
    with reading(VERSIONS):
        job = store.get_historical_features(entity_df=ENTITIES, features=store.get_feature_service("credit"))
        frame = job.to_df()
    assert frame["client_id"].tolist() == [2, 1, 1]
    assert frame["bill_lag_0"].fillna(-1).tolist() == [-1, -1, -1]
    assert frame["bill_lag_1"].fillna(-1).tolist() == [-1, 10, 20]
    assert frame["known"].tolist() == [0, 1, 1]
    assert frame["age"].fillna(-1).tolist() == [-1, 30, 30]


def test_single_features_can_be_asked_for_by_reference(store: FeatureStore) -> None:
    with reading(VERSIONS):
        frame = store.get_historical_features(
            entity_df=ENTITIES, features=["credit__clients:age", "credit__statements:known"]
        ).to_df()
    assert set(frame.columns) == {"client_id", AS_OF, "age", "known"}


def test_moments_with_a_zone_are_the_same_moments(store: FeatureStore) -> None:
    zoned = ENTITIES.assign(**{AS_OF: ENTITIES[AS_OF].dt.tz_localize("UTC").dt.tz_convert("Asia/Taipei")})
    with reading(VERSIONS):
        service = store.get_feature_service("credit")
        plain, other = (
            store.get_historical_features(entity_df=frame, features=service).to_df()
            for frame in (ENTITIES, zoned)
        )
    assert plain.drop(columns=AS_OF).equals(other.drop(columns=AS_OF))


def test_rows_of_one_retrieval_are_gone_after_it(store: FeatureStore) -> None:
    service = store.get_feature_service("credit")
    with reading(VERSIONS):
        assert len(store.get_historical_features(entity_df=ENTITIES, features=service).to_df()) == 3
    with pytest.raises(LookupError):
        store.get_historical_features(entity_df=ENTITIES, features=service).to_df()


def test_what_would_write_plaintext_is_refused_by_name(store: FeatureStore) -> None:
    with reading(VERSIONS):
        job = store.get_historical_features(entity_df=ENTITIES, features=store.get_feature_service("credit"))
        with pytest.raises(NotBuilt, match="saved data sets"):
            job.persist(feast.infra.offline_stores.file_source.SavedDatasetFileStorage("x.parquet"))


def _lose(registry: Path) -> None:
    registry.unlink()


def _break(registry: Path) -> None:
    registry.write_bytes(b"\xff" * 100)


def _edit(registry: Path) -> None:
    """Make the view read one month less, under the same definition digest."""
    kept = registry.read_bytes()
    assert b'"months": 2' in kept
    registry.write_bytes(kept.replace(b'"months": 2', b'"months": 1'))


@pytest.mark.parametrize("harm", [_lose, _break, _edit])
def test_a_lost_broken_or_edited_registry_changes_no_answer(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    entities = pl.from_pandas(ENTITIES).with_columns(pl.col(AS_OF).cast(pl.Datetime("us")))
    before = FeastViews(tmp_path, "demo").retrieve("credit", DEFINITION, entities, VERSIONS)
    harm(tmp_path / "registry.db")
    again = FeastViews(tmp_path, "demo").retrieve("credit", DEFINITION, entities, VERSIONS)
    assert again.equals(before)
