"""Joining a service's own journal: opened, what a restart left behind landed, and landing from then on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

import httpx

from assay.contracts import SpiffeId
from assay.errors import ServiceError
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.journal.lander import Heads
from assay.web.settings import ServiceSettings

LANDS_EVERY_SECONDS: Final = 0.5
_LOG: Final = logging.getLogger(__name__)


def joined(
    settings: ServiceSettings,
    ledger: Heads,
    identity: SpiffeId,
    revision: Callable[[], str],
    resources: ExitStack,
) -> Journaling:
    """Return the journal of this service; `resources` end the landing, after one last try, and close the file.

    `ledger` signs and appends journal facts, `revision` gives the policy in force. What an earlier process left is
    landed now where the ledger answers; until it has landed, nothing is answered (`JournalUnsent`).
    """
    journal = Journal(settings.data_dir / "journal.db", lease_seconds=settings.lease_seconds)
    resources.callback(journal.close)
    refusals = Refusals(journal, now)
    lander = Lander(journal, ledger, Owner(identity), every=LANDS_EVERY_SECONDS, before=refusals.flush)
    resources.callback(lander.close)
    try:
        lander.land()
    except (ServiceError, httpx.TransportError) as error:
        _LOG.warning("what the journal holds has not landed: %r", error)
    lander.start()
    return Journaling(journal, refusals, lander, revision, now)


def now() -> str:
    """Return the present, RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
