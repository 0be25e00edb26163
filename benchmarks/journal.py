"""What journaling costs a read: the same application with and without a journal, alone and with many readers.

In one process and without TLS, so that nothing hides the cost; every journaled answer waits for the disk.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.contracts import Environment, Fact, SpiffeId
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.ledger import Record
from assay.telemetry import tracer
from assay.web.app import build_app
from assay.web.journals import now
from assay.web.protocol import Peer
from assay.web.routes import Routes
from benchmarks.report import Row

READS = 400
READERS = 64
SERVICE = SpiffeId("assay.bench", "/svc/core/registry")
PERSON = SpiffeId("assay.bench", "/people/p-ada")


class Followed:
    """Nobody is revoked and everybody holds one role."""

    tenant = "demo"

    def fresh(self) -> None:
        """Be fresh."""

    def roles(self, _person: str, _tenant: str) -> frozenset[str]:
        """Return the one role."""
        return frozenset({"approver"})

    def revoked(self, _digest: str) -> None:
        """Return nothing."""

    def owner(self, _name: str) -> None:
        """Return nothing."""


class Unlanded:
    """A ledger that is never asked: this measures the disk and not the network."""

    def append(self, fact: Fact) -> Record:
        """Refuse to be asked."""
        raise NotImplementedError(fact.about)

    def head(self, about: str) -> Record | None:
        """Refuse to be asked."""
        raise NotImplementedError(about)


@dataclass
class Bench:
    """One application, asked in process."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; the peer is who a listener would have verified."""
        scope.setdefault("state", {})["peer"] = Peer(PERSON, 0, 4e9)
        await self.app(scope, receive, send)

    async def each(self) -> list[float]:
        """Return the seconds of reads, one after the other."""
        async with self._client() as http:
            taken = []
            for _ in range(READS):
                began = time.perf_counter()
                (await http.get("/v1/models/credit-default")).raise_for_status()
                taken.append(time.perf_counter() - began)
            return taken

    async def together(self) -> float:
        """Return reads per second of many readers at once."""
        async with self._client() as http:

            async def reader() -> None:
                for _ in range(READS // 8):
                    (await http.get("/v1/models/credit-default")).raise_for_status()

            began = time.perf_counter()
            await asyncio.gather(*(reader() for _ in range(READERS)))
            return READERS * (READS // 8) / (time.perf_counter() - began)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="https://registry")


def run() -> Iterable[Row]:
    """Measure; the peer of each row is the application without a journal."""
    with TemporaryDirectory() as folder:
        plain, journaled = _application(None), _application(_journaling(Path(folder)))
        without, with_ = (asyncio.run(each.each()) for each in (plain, journaled))
        added = statistics.median(with_) - statistics.median(without)
        yield Row(
            "one reader, p50",
            f"{statistics.median(with_) * 1e6:.0f} us",
            f"{statistics.median(without) * 1e6:.0f} us",
            f"+{added * 1e6:.0f} us",
            note="journaled, durable before the answer; beside: no journal",
        )
        slow, fast = asyncio.run(journaled.together()), asyncio.run(plain.together())
        yield Row(
            f"{READERS} readers",
            f"{slow:,.0f}/s",
            f"{fast:,.0f}/s",
            f"{slow / fast:.2f}x",
            note="those who wait share a commit",
        )


def _journaling(folder: Path) -> Journaling:
    journal = Journal(folder / "journal.db", lease_seconds=3600, capacity=10**9)
    refusals = Refusals(journal, now)
    lander = Lander(journal, Unlanded(), Owner(SERVICE, Environment.PROD))
    return Journaling(journal, refusals, lander, lambda: "revision", now)


def _application(journaling: Journaling | None) -> Bench:
    routes = Routes("/v1")

    @routes.get("/models/{name}", permission="registry/read")
    async def model(name: str) -> dict[str, str]:
        return {"name": name}

    parts: Any = SimpleNamespace(
        identity=SimpleNamespace(spiffe_id=SERVICE),
        root=SimpleNamespace(trust_domain=SERVICE.domain, services={}),
        follower=Followed(),
        policy=SimpleNamespace(require=lambda *_asked, **_more: None),
        tracer=tracer("bench", None),
        journaling=journaling,
    )
    return Bench(build_app(parts, routes, title="bench"))
