"""The append route: decided on the event loop, so that any number of appends may wait for one commit.

The root decides appends, in memory: see `assay.web.inline`.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from assay.journal import Kind
from assay.web.caller import calling
from assay.web.inline import InlineRoute
from services.ledger.log import LARGEST_ENTRY
from services.ledger.usecases import LedgerUses

PATH: Final = "/v1/facts"


def routes(ledger: LedgerUses) -> list[InlineRoute]:
    """Return the route facts are appended at."""

    async def append(request: Request) -> Response:
        done = await ledger.append(await request.body(), calling(request).identity)
        said = {"index": done.index, "digest": done.digest, "repeated": done.repeated}
        return JSONResponse(said, status_code=200 if done.repeated else 201)

    route = InlineRoute(PATH, append, methods=["POST"])
    route.permission, route.body_limit = "ledger/append", 2 * LARGEST_ENTRY
    route.kind = Kind.UNJOURNALED  # the fact is the entry
    return [route]
