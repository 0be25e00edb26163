"""Landing: each batch's root becomes a journal fact within a second; what a restart left goes first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from assay.contracts import Environment, Fact, FactKind, JournalBatch, SpiffeId, body_of
from assay.errors import HeadMoved
from assay.journal.journal import Journal
from assay.journal.store import Batch
from assay.ledger import Record

MOST_IN_A_BATCH: Final = 4096
TRIES: Final = 3
_log = logging.getLogger(__name__)


class Heads(Protocol):
    """What landing needs of the ledger."""

    def append(self, fact: Fact) -> Record:
        """Return the record once it is durable; HeadMoved when `previous` is not the head."""

    def head(self, about: str) -> Record | None:
        """Return the newest record about something."""


@dataclass(frozen=True)
class Owner:
    """Whose journal it is; `environment` for a predictor, None for a core service."""

    identity: SpiffeId
    environment: Environment | None = None
    tenant: str = "demo"

    @property
    def about(self) -> str:
        """The head this journal moves: `journal/svc/prod/predictor/credit`."""
        return f"journal{self.identity.path}"


class Lander:
    """Lands a journal's batches, in order, from a thread of its own; `every` is its pause in seconds."""

    def __init__(
        self,
        journal: Journal,
        ledger: Heads,
        owner: Owner,
        *,
        every: float = 0.25,
        before: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._owner = owner
        self._every = every
        self._before = before  # called before each look: counts of repeated refusals
        self._clock = clock
        self._head: Record | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lander", daemon=True)
        self._failing = ""

    def land(self) -> int:
        """Land all that waits; return the number of batches. Raises the ledger's refusal."""
        self._before()
        self._journal.flush()
        batches = 0
        while waiting := self._journal.next_batch(MOST_IN_A_BATCH):
            self._land(*waiting)
            batches += 1
        return batches

    def start(self) -> None:
        """Start landing in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop, after one last try to land what waits."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.land()
            self._failing = ""
        except Exception as error:  # noqa: BLE001 - the thread's edge: the journal stops its service when this lasts
            if self._failing != repr(error):
                _log.warning("the journal cannot land: %r", error)
            self._failing = repr(error)

    def _land(self, batch: Batch, root: bytes) -> None:
        for _ in range(TRIES):
            fact = Fact.parse(batch.payload) if batch.payload else self._fact(batch, root)
            batch = replace(batch, payload=fact.payload())
            self._journal.save(batch)
            try:
                self._head = self._ledger.append(fact)
            except HeadMoved:  # the ledger looks for the digest first, so this fact is not in it
                self._head = self._ledger.head(self._owner.about)
                batch = replace(batch, payload=None)
                continue
            self._journal.save(replace(batch, fact=fact.digest))
            return
        raise HeadMoved(
            f"{self._owner.about} moved {TRIES} times", fix="stop the second process of this identity"
        )

    def _fact(self, batch: Batch, root: bytes) -> Fact:
        head = self._head = self._head or self._ledger.head(self._owner.about)
        body = JournalBatch(
            identity=str(self._owner.identity),
            sequence=body_of(head.fact, JournalBatch).sequence + 1 if head else 0,
            count=batch.size,
            root=root.hex(),
        )
        return Fact(
            kind=FactKind.JOURNAL,
            about=self._owner.about,
            tenant=self._owner.tenant,
            time=self._clock().isoformat().replace("+00:00", "Z"),
            body=body.model_dump(mode="json"),
            environment=self._owner.environment,
            previous=head.digest if head else None,
        )
