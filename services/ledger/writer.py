"""One writer that takes what waits, decides it in order, commits it at once and then answers.

Repeats and refusals are answered after the commit too: they may rest on an entry of the same batch. After a
store error nothing more is accepted; the process restarts with the start-up check.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Final

from assay.contracts import Fact, FactKind, SignedFact
from assay.errors import HeadMoved, ServiceError
from assay.ledger import Record
from assay.ledger.admission import admit
from services.ledger.committed import Committed
from services.ledger.errors import OffClock, StoreFailed
from services.ledger.ports import Row, Rows
from services.ledger.startup import State
from services.ledger.waiting import Answer, Appended, Prepared, Waiting, answer

MOST_IN_A_COMMIT: Final = 1024
CLOCKS_APART_SECONDS: Final = 300.0
JUDGED_AT_THEIR_TIME: Final = frozenset({FactKind.ALIAS, FactKind.ROLLOUT})


class Writer:
    """The log's one writer, in a thread of its own. `committed` is told each new state before its batch is answered.

    `guard` is held while `state.known` changes: readers hold it too.
    """

    def __init__(
        self,
        rows: Rows,
        state: State,
        committed: Callable[[Committed], None],
        *,
        guard: threading.Lock,
        clock: Callable[[], float] = time.time,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._rows = rows
        self._known = state.known
        self._tree = state.tree
        self._leaves: list[bytes] = []  # of entries decided and not in the tree yet
        self._guard = guard
        self._clock = clock
        self._committed = committed
        self._on_failure = on_failure
        self._failed: StoreFailed | None = None
        self._closed = False
        self._newest = Committed(state.tree, state.maps)
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        committed(self._newest)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, waiting: Waiting) -> None:
        """Queue an append; raises StoreFailed once closed."""
        if self._closed:
            raise StoreFailed("the log is closed")
        self._queue.put(waiting)

    def holds(self) -> None:
        """Return while the store takes what it is given; raises StoreFailed."""
        if self._failed is not None:
            raise self._failed

    def refuse_all(self, why: StoreFailed) -> None:
        """Accept nothing more, and stay to say why: no restart makes this store what it was."""
        self._failed = why

    def close(self) -> None:
        """Commit what waits, and end."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            while len(batch) < MOST_IN_A_COMMIT:
                try:
                    more = self._queue.get_nowait()
                except Empty:
                    break
                if more is None:
                    self._queue.put(None)
                    break
                batch.append(more)
            self._commit([one for one in batch if one.wanted()])

    def _commit(self, batch: list[Waiting]) -> None:
        """Decide a batch in order, make what was accepted durable, then answer everybody."""
        answers: list[Answer]
        accepted: list[tuple[Record, bytes]] = []
        try:
            self.holds()
            now = datetime.fromtimestamp(self._clock(), UTC)
            answers = [self._decide(one.prepared, accepted, now) for one in batch]
            if accepted:
                self._make_durable(accepted)
        except Exception as error:  # noqa: BLE001 - the writer's edge: nobody is left waiting, nothing more is accepted
            answers = [self._fail(error)] * len(batch)
        answer(batch, answers)

    def _decide(self, one: Prepared, accepted: list[tuple[Record, bytes]], now: datetime) -> Answer:
        """Return the fact's place, or why it gets none; an accepted one is in the writer's state from here on."""
        fact = one.signed.fact
        head = self._known.heads.get(fact.about)
        if fact.previous != head:  # heads never come back: a fact that is in the log ends here
            return self._repeated(one.signed, accepted) or HeadMoved(
                f"{fact.about} is at {head or 'its beginning'} and not at {fact.previous or 'its beginning'}",
                head=head,
            )
        index = self._tree.size + len(self._leaves)
        try:
            self._known.root.require_current(now)
            _require_in_time(fact, now)
            admit(self._known, one.signed, index, self._root_at)
        except ServiceError as refusal:
            return refusal
        record = Record(index, one.signed)
        self._leaves.append(one.leaf)
        with self._guard:
            self._known.apply(record)
        accepted.append((record, one.entry))
        return Appended(index, record.digest, repeated=False)

    def _repeated(self, signed: SignedFact, accepted: list[tuple[Record, bytes]]) -> Appended | None:
        digest = signed.fact.digest
        index = next((record.index for record, _ in accepted if record.digest == digest), None)
        if index is None:
            index = self._rows.find(bytes.fromhex(digest))
        return None if index is None else Appended(index, digest, repeated=True)

    def _root_at(self, size: int) -> bytes:
        if size > self._tree.size:
            self._plant()
        return self._tree.root(size)

    def _plant(self) -> None:
        self._tree.extend(self._leaves)
        self._leaves.clear()

    def _make_durable(self, accepted: list[tuple[Record, bytes]]) -> None:
        self._plant()
        self._rows.commit(
            [
                Row(record.index, bytes.fromhex(record.digest), record.kind.value, record.about, entry)
                for record, entry in accepted
            ]
        )
        self._newest = self._newest.after([record for record, _ in accepted])
        self._committed(self._newest)

    def _fail(self, error: Exception) -> StoreFailed:
        if self._failed is None:
            self._failed = StoreFailed(f"the log stopped: {error}")
            self._failed.__cause__ = error
            self._on_failure()
        return self._failed


def _require_in_time(fact: Fact, now: datetime) -> None:
    """A move is judged at the time it names, so that time is now: nothing is back-dated into an approval."""
    if fact.kind not in JUDGED_AT_THEIR_TIME:
        return
    try:
        away = abs((datetime.fromisoformat(fact.time) - now).total_seconds())
    except (ValueError, TypeError) as error:
        raise OffClock(
            f"the {fact.kind} fact is dated {fact.time[:40]!r}, which is no time in UTC"
        ) from error
    if away > CLOCKS_APART_SECONDS:
        raise OffClock(f"the {fact.kind} fact is dated {fact.time}, {away:.0f} s off the ledger's clock")
