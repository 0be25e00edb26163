"""A service with a journal on a loopback port: the real edge over TLS, and a plain list of facts as the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.contracts import Fact, FactKind, SignedFact, strict_json
from assay.errors import NotFound
from assay.journal import Journaling, Kind
from assay.ledger import Record
from assay.web.app import build_app
from assay.web.journaled import _APPENDED
from assay.web.routes import Routes
from tests.integration.identity.lab import Edged, Lab, spiffe
from tests.support.journals import journaling
from tests.unit.journal.log import Log

TIME = "2026-01-01T00:00:00Z"


@dataclass
class JournaledEdge(Edged):
    """A service's parts, with a journal."""

    journaling: Journaling


class Journaled:
    """The lab's service again, with routes of every kind and a journal."""

    def __init__(self, folder: Path, *, capacity: int = 100_000) -> None:
        self.lab = Lab(folder / "lab")
        self.log = Log()
        self.journaling = journaling(folder, spiffe("/svc/core/registry"), self.log, capacity=capacity)
        for name in ("credit-default", "a", "b", "c"):
            fact = Fact(FactKind.VERSION, f"model/demo/{name}", "demo", TIME, {})
            self.journaling.known.apply(Record(0, SignedFact(fact, "key", b"")))
        self.edge = JournaledEdge(**vars(self.lab.edge), journaling=self.journaling)
        self.edge.policy.actions |= {"lab/read", "lab/change", "lab/health", "audit/read-journal"}
        self.done: list[str] = []
        self.app = build_app(self.edge, self._routes(), title="lab")
        self.url = self.lab.serve(self.app)

    def _routes(self) -> Routes:
        found = Routes("/v1")

        @found.get("/models/{name}", permission="lab/read")
        def read(name: str) -> dict[str, str]:
            self.done.append(name)
            if name == "missing":
                raise NotFound(f"there is no {name}")
            return {"name": name}

        @found.post("/models/{name}", permission="lab/change")
        def change(name: str, body: dict[str, Any]) -> dict[str, Any]:
            self.done.append(name)
            if body.get("by") is not None and (appended := _APPENDED.get()) is not None:
                appended.add(Fact(FactKind.ALIAS, f"alias/{name}", "demo", TIME, {"by": body["by"]}))
            return {"name": name}

        @found.get("/broken", permission="lab/read")
        def broken() -> None:
            raise RuntimeError("nobody expected this")

        @found.get("/health", permission="lab/health", kind=Kind.UNJOURNALED)
        def health() -> dict[str, bool]:
            return {"live": True}

        return found

    def client(self, path: str = "/people/p-ada") -> httpx.Client:
        """Return a client of somebody."""
        http = self.lab.workload(path).client(self.url, expect="registry")
        self.lab.undo.append(http.close)
        return http

    def entries(self) -> list[dict[str, Any]]:
        """Return what is durable in the journal."""
        return [strict_json(entry.body) for entry in self.journaling.journal.entries(0, 10_000)]

    def close(self) -> None:
        """End the service, then its journal."""
        self.lab.close()
        self.journaling.journal.close()


@pytest.fixture
def journaled(tmp_path: Path) -> Iterator[Journaled]:
    made = Journaled(tmp_path)
    try:
        yield made
    finally:
        made.close()
