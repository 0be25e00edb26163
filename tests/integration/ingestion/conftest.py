from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.ledger import Ledger
from services.ingestion.adapters.great_expectations import GreatExpectations
from services.ingestion.app import build
from services.ingestion.settings import IngestionSettings
from tests.support.data import DANA, DataWorld, InProcess, RunningVault, running_vault

CONTRACT: dict[str, Any] = {
    "suite": {
        "name": "clients",
        "expectations": [
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "client_id"}},
            {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "client_id"}},
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "age", "min_value": 18, "max_value": 100},
            },
            {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "email", "regex": "^.+@.+$"},
            },
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 2}},
        ],
    },
    "schema": {"client_id": "int32", "age": "int8", "email": "string"},
    "tags": {"email": ["pii", "email"], "age": ["protected"]},
}
CSV = {"content-type": "text/csv"}


@dataclass
class Platform:
    """Ingestion and who calls it."""

    world: DataWorld
    engine: GreatExpectations
    dataset: str = "clients"
    started: list[InProcess] = field(default_factory=list)

    def start(self, ledger: Callable[[Ledger], Ledger] = lambda ledger: ledger) -> InProcess:
        """Start ingestion, or start it again; `ledger` may stand in front of the real one."""
        parts = self.world.parts("ingestion")
        parts = replace(parts, ledger=ledger(parts.ledger))
        settings = IngestionSettings(**self.world.settings("ingestion").model_dump())
        self.world.serve("ingestion", build(parts, settings, self.engine))
        self.started.append(parts)
        return parts

    def be(self, path: str) -> httpx.Client:
        """Connect as a peer."""
        return self.world.reach(path, "ingestion")

    @property
    def dana(self) -> httpx.Client:
        """Connect as the data scientist."""
        return self.be(f"/people/{DANA}")

    def define(self, **changes: object) -> httpx.Response:
        """Set the contract."""
        return self.dana.put(f"/v1/datasets/{self.dataset}/contract", json={**CONTRACT, **changes})

    def push(self, content: bytes, **params: str) -> httpx.Response:
        """Push CSV as the data scientist."""
        return self.push_as(self.dana, content, **params)

    def push_as(self, by: httpx.Client, content: bytes, **params: str) -> httpx.Response:
        """Push CSV."""
        asked = {"batch": "2005-04", "recorded_at": "2005-05-01T00:00:00Z", **params}
        return by.post(f"/v1/datasets/{self.dataset}/batches", params=asked, content=content, headers=CSV)

    def batches(self) -> list[dict[str, Any]]:
        """List the batches."""
        answer = self.dana.get(f"/v1/datasets/{self.dataset}/batches")
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()["batches"]
        return found


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture(scope="session")
def engine() -> GreatExpectations:
    loaded = GreatExpectations()
    loaded.load()
    return loaded


@contextmanager
def running(folder: Path, vault: RunningVault, engine: GreatExpectations) -> Iterator[Platform]:
    world = DataWorld(folder, vault)
    try:
        made = Platform(world, engine)
        made.start()
        yield made
    finally:
        world.close()


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, vault: RunningVault, engine: GreatExpectations
) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("shared"), vault, engine) as made:
        yield made


_NUMBERS = itertools.count()


@pytest.fixture
def platform(shared: Platform) -> Platform:
    """A data set of one's own on a platform that other tests use too."""
    return replace(shared, dataset=f"clients-{next(_NUMBERS)}")


@pytest.fixture
def own(tmp_path: Path, vault: RunningVault, engine: GreatExpectations) -> Iterator[Platform]:
    """A platform of one's own, to break."""
    with running(tmp_path, vault, engine) as made:
        yield made
