from __future__ import annotations

import base64
import io
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from assay import encrypted
from assay.web.tenants import PerTenant
from services.features.adapters.feast_views import FeastViews, project
from services.features.app import build as build_features
from services.features.settings import FeatureSettings
from services.ingestion.adapters.great_expectations import GreatExpectations
from services.ingestion.app import build as build_ingestion
from services.ingestion.settings import IngestionSettings
from tests.support.data import DANA, DataWorld, InProcess, RunningVault, running_vault
from tests.support.ledger import DOMAIN

PARQUET = {"content-type": "application/vnd.apache.parquet"}
DATES = ["2005-05-01", "2005-06-01"]
RUN = f"spiffe://{DOMAIN}/run/run-1"
EVALUATOR = f"spiffe://{DOMAIN}/svc/core/evaluator"
_NUMBERS = itertools.count()


@dataclass
class Platform:
    """Ingestion, features and who calls them; `suffix` makes names of a test's own."""

    world: DataWorld
    engine: GreatExpectations
    suffix: str = ""
    started: list[InProcess] = field(default_factory=list)

    def start(self) -> InProcess:
        """Start features, or start it again; ingestion starts with the first."""
        if not self.started:
            ingestion = IngestionSettings(**self.world.settings("ingestion").model_dump())
            self.world.serve(
                "ingestion", build_ingestion(self.world.parts("ingestion"), ingestion, self.engine)
            )
        settings = FeatureSettings(**self.world.settings("features").model_dump())
        views = PerTenant(lambda tenant: FeastViews(settings.data_dir / "feast" / tenant, project(tenant)))
        parts = self.world.parts("features")
        self.world.serve("features", build_features(parts, settings, views.of))
        self.started.append(parts)
        return parts

    def be(self, path: str, service: str = "features") -> httpx.Client:
        """Connect as a peer."""
        return self.world.reach(path, service)

    @property
    def dana(self) -> httpx.Client:
        """Connect as the data scientist."""
        return self.be(f"/people/{DANA}")

    @property
    def clients(self) -> str:
        """The data set of clients."""
        return f"clients{self.suffix}"

    @property
    def statements(self) -> str:
        """The data set of statements."""
        return f"statements{self.suffix}"

    @property
    def view(self) -> str:
        """The view."""
        return f"credit{self.suffix}"

    def push(self, dataset: str, rows: pl.DataFrame, **contract: object) -> str:
        """Push rows under a contract made for them; return the batch's fact."""
        kinds = {
            pl.Int32: "int32",
            pl.Int8: "int8",
            pl.String: "string",
            pl.Datetime("us"): "timestamp[us]",
        }
        columns = {name: kinds[kind] for name, kind in rows.schema.items()}
        suite = {"name": dataset, "expectations": []}
        body = io.BytesIO()
        rows.write_parquet(body)
        with self.be(f"/people/{DANA}", "ingestion") as ingestion:
            defined = ingestion.put(
                f"/v1/datasets/{dataset}/contract", json={"suite": suite, "schema": columns, **contract}
            )
            assert defined.is_success, defined.text
            answer = ingestion.post(
                f"/v1/datasets/{dataset}/batches",
                params={"batch": "b"},
                content=body.getvalue(),
                headers=PARQUET,
            )
        assert answer.is_success, answer.text
        return str(answer.json()["fact"])

    def define(self, **changes: object) -> httpx.Response:
        """Set the view."""
        return self.dana.put(f"/v1/views/{self.view}", json={**self.definition(), **changes})

    def definition(self) -> dict[str, Any]:
        """Return the view's definition."""
        return {
            "entity": {"name": "client", "key": "client_id"},
            "sources": [
                {
                    "dataset": self.statements,
                    "event_time": "dated",
                    "months": 2,
                    "lags": ["bill"],
                    "aggregates": {"bill": ["mean"]},
                    "count": "known",
                },
                {"dataset": self.clients, "columns": ["sex"]},
            ],
            "months_ahead": True,
        }

    def build(self, facts: list[str], **changes: object) -> httpx.Response:
        """Ask for a feature set."""
        asked = {
            "view": self.view,
            "facts": facts,
            "as_of": DATES,
            "label": {"dataset": self.clients, "column": "default"},
            "purpose": "research",
            **changes,
        }
        return self.dana.post("/v1/feature-sets", json=asked)

    def order(self, key: str, **claims: object) -> str:
        """Sign an order as training or the evaluator does."""
        said = {"run": "run-1", "identity": RUN, "splits": ["train"], "exp": time.time() + 60, **claims}
        head, body = (_b64(json.dumps(part).encode()) for part in ({"alg": "ES256"}, said))
        signed = self.world.vault.admin.vault().sign(key, f"{head}.{body}".encode(), jws=True)
        return f"{head}.{body}.{_b64(signed)}"

    def rows(self, path: str, order: str, split: str) -> pl.DataFrame:
        """Read a split as a run or the evaluator does."""
        with self.be(path) as peer:
            released = peer.post("/v1/keys", json={"order": order, "split": split})
            assert released.is_success, released.text
            ciphertext = peer.get(f"/v1/objects/{released.json()['digest']}").content
        return pl.DataFrame(encrypted.read(ciphertext, base64.b64decode(released.json()["key"])))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


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
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running_one:
        yield running_one


@pytest.fixture(scope="session")
def engine() -> GreatExpectations:
    return GreatExpectations()


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, vault: RunningVault, engine: GreatExpectations
) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("shared"), vault, engine) as made:
        yield made


@pytest.fixture
def platform(shared: Platform) -> Platform:
    """Data sets and a view of one's own on a platform that other tests use too."""
    return replace(shared, suffix=f"-{next(_NUMBERS)}")


@pytest.fixture
def own(tmp_path: Path, vault: RunningVault, engine: GreatExpectations) -> Iterator[Platform]:
    """A platform of one's own, to break."""
    with running(tmp_path, vault, engine) as made:
        yield made
