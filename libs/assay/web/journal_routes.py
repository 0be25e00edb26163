"""Each service shows its own journal, with proof, to whom policy lets: `GET /v1/journal`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Query

from assay.journal import Journaling, Wanted, search
from assay.web.caller import Caller, calling
from assay.web.routes import Routes

Calling = Annotated[Caller, Depends(calling)]
Word = Annotated[str | None, Query(max_length=200)]
LARGEST: Final = (
    1 << 53
) - 1  # beyond any place, size and time in milliseconds; what JSON and databases can hold
Start = Annotated[int, Query(ge=0, le=LARGEST)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def journal_routes(journaling: Journaling) -> Routes:
    """Return the route by which this service's own journal is searched."""
    declared = Routes("/v1")

    @declared.get("/journal", permission="audit/read-journal")
    def entries(
        caller: Calling,
        person: Word = None,
        identity: Word = None,
        action: Word = None,
        outcome: Word = None,
        about: Word = None,
        since: datetime | None = None,
        until: datetime | None = None,
        start: Start = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        wanted = Wanted(seen_by(caller), person, identity, action, outcome, about, _utc(since), _utc(until))
        return search(journaling.journal, wanted, start=start, limit=limit)

    return declared


def seen_by(caller: Caller) -> str | None:
    """Return the one tenant whose entries a caller sees, or None for who acts in the platform's own: all of them."""
    return None if caller.platform else caller.tenant


def _utc(moment: datetime | None) -> datetime | None:
    """A time without a zone is in UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
