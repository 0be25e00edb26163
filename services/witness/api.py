"""The witness's one route: what it cosigned last, for whoever wants to compare it with what the ledger shows."""

from __future__ import annotations

from typing import Any

from assay.journal import Kind
from assay.web.routes import Routes
from services.witness.usecases import Following


def routes(following: Following) -> Routes:
    """Return the routes over this witness."""
    declared = Routes("/v1")

    @declared.get("/last", permission="witness/read", kind=Kind.UNJOURNALED)
    def last() -> dict[str, Any]:
        return following.last()

    return declared
