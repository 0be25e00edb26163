"""The ledger's routes; appending is `inline`."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import FactKind
from assay.contracts.bodies import Digest
from assay.journal import Kind
from assay.web.caller import Caller, calling
from assay.web.journal_routes import Start, seen_by
from assay.web.routes import Routes
from services.ledger import inline
from services.ledger.proofs import Asked
from services.ledger.searching import Searching, Wanted
from services.ledger.usecases import LedgerUses

READ: Final = "ledger/read"
WITNESS: Final = "ledger/witness"
Calling = Annotated[Caller, Depends(calling)]
DigestPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
DigestQuery = Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]
About = Annotated[str, Query(max_length=400)]
Size = Start
Limit = Annotated[int, Query(ge=1, le=1000)]
Wait = Annotated[float, Query(ge=0, le=10)]


class ProofsAsked(BaseModel):
    """What a bundle shall prove."""

    model_config = ConfigDict(extra="forbid")

    digests: list[Digest] = Field(default=[], max_length=2000)
    revocations: list[Digest] = Field(default=[], max_length=2000)
    heads: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=2000)
    at_least: int = Field(default=0, ge=0)


class Cosigned(BaseModel):
    """A witness's line for the checkpoint signed at a time, in milliseconds since 1970."""

    model_config = ConfigDict(extra="forbid")

    time_ms: int
    line: str = Field(max_length=1000)


class LastCosigned(BaseModel):
    """The note a witness last cosigned."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(max_length=16 << 10)


def routes(ledger: LedgerUses) -> Routes:
    """Return the routes over these use cases."""
    declared = Routes("/v1")
    declared.router.routes.extend(inline.routes(ledger))
    _declare_log(declared, ledger)
    _declare_proofs(declared, ledger)
    _declare_witnessing(declared, ledger)
    return declared


def _declare_log(declared: Routes, ledger: LedgerUses) -> None:
    @declared.get("/facts/{digest}", permission=READ, kind=Kind.UNJOURNALED)
    def fact(digest: DigestPath) -> dict[str, Any]:
        return ledger.fact(digest)

    @declared.get("/entries", permission=READ, kind=Kind.UNJOURNALED)
    def entries(start: Size = 0, limit: Limit = 1000) -> dict[str, Any]:
        return ledger.entries(start, limit)

    @declared.get("/checkpoint", permission=READ, kind=Kind.UNJOURNALED)
    async def checkpoint(after_ms: Size = 0, seconds: Wait = 0) -> PlainTextResponse:
        if seconds:
            with contextlib.suppress(TimeoutError):  # then the newest there is
                await asyncio.wait_for(asyncio.wrap_future(ledger.next_checkpoint(after_ms)), seconds)
        return PlainTextResponse(ledger.checkpoint())


def search_routes(searching: Searching) -> Routes:
    """Return the route by which the log is searched."""
    declared = Routes("/v1")

    @declared.get("/search", permission="ledger/search")
    def search(
        caller: Calling,
        subject: About | None = None,
        kind: FactKind | None = None,
        about: About | None = None,
        about_prefix: About = "",
        since: datetime | None = None,
        until: datetime | None = None,
        start: Size = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        wanted = Wanted(
            subject=subject,
            kind=kind,
            about=about,
            about_prefix=about_prefix,
            tenant=seen_by(caller),
            since_ms=_ms(since),
            until_ms=_ms(until),
            start=start,
            limit=limit,
        )
        return searching.search(wanted)

    return declared


def _ms(moment: datetime | None) -> int | None:
    """Return milliseconds since 1970; a time without a zone is in UTC."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _declare_proofs(declared: Routes, ledger: LedgerUses) -> None:
    @declared.get("/heads", permission=READ, kind=Kind.UNJOURNALED)
    def head(about: About) -> dict[str, Any]:
        return ledger.proofs.bundle(Asked(heads=[about]))

    @declared.post("/proofs", permission=READ, kind=Kind.UNJOURNALED, body_limit=1 << 20)
    def bundle(asked: ProofsAsked) -> dict[str, Any]:
        return ledger.proofs.bundle(Asked(**vars(asked)))

    @declared.get("/proofs/inclusion", permission=READ, kind=Kind.UNJOURNALED)
    def inclusion(digest: DigestQuery, size: Size) -> dict[str, Any]:
        return ledger.proofs.inclusion(digest, size)

    @declared.get("/proofs/consistency", permission=READ, kind=Kind.UNJOURNALED)
    def consistency(first: Size, second: Size) -> dict[str, Any]:
        return ledger.proofs.consistency(first, second)

    @declared.get("/proofs/revocations", permission=READ, kind=Kind.UNJOURNALED)
    def revocations(key: Annotated[list[DigestQuery], Query(max_length=200)]) -> dict[str, Any]:
        return ledger.proofs.bundle(Asked(revocations=key))

    @declared.get("/proofs/heads", permission=READ, kind=Kind.UNJOURNALED)
    def heads(about: Annotated[list[About], Query(max_length=200)]) -> dict[str, Any]:
        return ledger.proofs.bundle(Asked(heads=about))


def _declare_witnessing(declared: Routes, ledger: LedgerUses) -> None:
    @declared.get("/witness/checkpoint", permission=WITNESS, kind=Kind.UNJOURNALED)
    async def signed(after_ms: Size = 0, seconds: Wait = 0) -> PlainTextResponse:
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(ledger.next_signed(after_ms)), seconds)
        return PlainTextResponse(ledger.signed())

    @declared.post("/witness/cosignatures", permission=WITNESS, kind=Kind.UNJOURNALED, status_code=204)
    def cosign(asked: Cosigned) -> None:
        ledger.cosign(asked.time_ms, asked.line)

    @declared.post("/witness/last", permission=WITNESS, kind=Kind.UNJOURNALED, status_code=204)
    def compare(asked: LastCosigned) -> None:
        ledger.compare(asked.note)
