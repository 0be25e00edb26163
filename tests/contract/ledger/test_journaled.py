"""The ledger's own journal: searches and refusals are in it, appending is not, and it feeds on nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.contracts import FactKind, SpiffeId, strict_json
from assay.database import engine
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.policy import OpaWasm
from assay.telemetry import tracer
from assay.web.app import build_app
from assay.web.journals import now
from services.ledger.adapters.search_index import SqlIndex
from services.ledger.api import routes, search_routes
from services.ledger.journaling import OwnFacts
from services.ledger.log import Log
from services.ledger.policy import RootDecidesAppends
from services.ledger.searching import Searching
from services.ledger.usecases import LedgerUses
from tests.support.asgi import As, Edge, Named
from tests.support.ledger import DOMAIN, WASM, House, run

LEDGER = SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/registry")  # whose journal the test's root lists


@dataclass(frozen=True)
class JournaledEdge(Edge):
    """The ledger's parts, with its journal."""

    journaling: Journaling


class Ledger:
    """The real application with a journal that lands in the very log."""

    def __init__(self, house: House, log: Log, folder: Path) -> None:
        self.log = log
        self.journal = Journal(folder / "journal.db", lease_seconds=60)
        refusals = Refusals(self.journal, now)
        own = OwnFacts(log, house.signer)
        self.lander = Lander(self.journal, own, Owner(LEDGER), before=refusals.flush)
        policy = RootDecidesAppends(OpaWasm(WASM, expected=log.policy_revision))
        journaling = Journaling(self.journal, refusals, self.lander, log.policy_revision, now)
        edge = JournaledEdge(Named(LEDGER), house.root, log, policy, tracer("ledger", None), journaling)
        searching = Searching(log, SqlIndex(engine(f"sqlite:///{folder}/index.db")))
        self.app = build_app(edge, routes(LedgerUses(log)), search_routes(searching), title="ledger")

    @contextmanager
    def peer(self, path: str) -> Iterator[TestClient]:
        """Be somebody."""
        with TestClient(As(self.app, SpiffeId.parse(f"spiffe://{DOMAIN}{path}"))) as client:
            yield client

    def entries(self) -> list[dict[str, Any]]:
        """Return what the journal holds."""
        return [strict_json(entry.body) for entry in self.journal.entries(0, 1000)]


@pytest.fixture
def ledger(house: House, log: Log, tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(house, log, tmp_path)
    yield made
    made.journal.close()


def test_following_and_appending_leave_no_entry(ledger: Ledger, house: House) -> None:
    with ledger.peer("/svc/core/training") as http:
        assert http.post("/v1/facts", json=house.signer.sign(run("r-1")).to_json()).status_code == 201
        for path in ("/v1/checkpoint", "/v1/entries", "/v1/heads?about=run/r-1"):
            assert http.get(path).status_code == 200
    assert ledger.entries() == []


def test_searches_and_refusals_leave_one_each(ledger: Ledger) -> None:
    with ledger.peer("/people/p-ada") as http:
        assert http.get("/v1/search", params={"kind": "role"}).status_code == 200
        assert http.get(f"/v1/facts/{'0' * 64}").status_code == 404
    search, refused = ledger.entries()
    assert (search["action"], search["outcome"], search["person"]) == ("ledger/search", "allowed", "p-ada")
    assert (refused["action"], refused["refusal"]) == ("ledger/read", "NotFound")


def test_landing_makes_nothing_to_land(ledger: Ledger) -> None:
    with ledger.peer("/people/p-ada") as http:
        http.get("/v1/search")
    assert ledger.lander.land() == 1
    assert ledger.lander.land() == 0
    assert ledger.log.entries(0, 1000)[-1].kind is FactKind.JOURNAL
    assert len(ledger.entries()) == 1
