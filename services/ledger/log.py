"""The log: one writer that takes what waits, decides it in order, commits it at once and then answers.

Repeats and refusals are answered after the commit too: they may rest on an entry of the same batch. After a
store error nothing more is accepted; the process restarts with the start-up check.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

from assay.contracts import Fact, FactKind, Revocation, SignedFact, SpiffeId
from assay.errors import Forbidden, HeadMoved, NotFound, ServiceError, TooLarge
from assay.ledger import Record, Root, SignerEntry
from assay.ledger.admission import admit
from assay.ledger.known import revocations_of
from assay.ledger.tree import leaf_hash
from services.ledger.adapters.sqlite import Batch, Row, Rows
from services.ledger.errors import OffClock, StoreFailed
from services.ledger.publishing import Durable, Publisher
from services.ledger.startup import State

LARGEST_ENTRY: Final = 65_535  # bytes: an entry of C2SP tlog-tiles
MOST_IN_A_COMMIT: Final = 1024
APPEND_SECONDS: Final = 30.0
CLOCKS_APART_SECONDS: Final = 300.0
JUDGED_AT_THEIR_TIME: Final = frozenset({FactKind.ALIAS, FactKind.ROLLOUT})


@dataclass(frozen=True)
class Appended:
    """Where a fact stands. `repeated`: it stood there before, maybe in another envelope."""

    index: int
    digest: str
    repeated: bool


@dataclass(frozen=True)
class _Waiting:
    signed: SignedFact
    entry: bytes
    done: Future[Appended]


class Log:
    """A log over its rows. Appending and reading are safe from any thread."""

    def __init__(
        self,
        rows: Rows,
        state: State,
        sign: Callable[[bytes], bytes],
        *,
        resign_seconds: float,
        clock: Callable[[], float] = time.time,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.root: Root = state.known.root
        self.rows = rows
        self.tree = state.tree
        self._known = state.known
        self._maps = state.maps
        self._clock = clock
        self._on_failure = on_failure
        self._failed: StoreFailed | None = None
        self._closed = False
        self._guard = threading.Lock()  # readers of `_known`, against its one writer
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self.publisher = Publisher(
            self.root,
            sign,
            rows.save_note,
            last_ms=state.signed.time_ms if state.signed else 0,
            resign_seconds=resign_seconds,
            clock=clock,
        )
        self._offer()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def append(self, signed: SignedFact) -> Record:
        """Append and return the record that stands in the log, durable; raises like `submit`'s future."""
        answer = self.submit(signed).result(APPEND_SECONDS)
        return self.entry(answer.index) if answer.repeated else Record(answer.index, signed)

    def submit(self, signed: SignedFact, caller: SpiffeId | None = None) -> Future[Appended]:
        """Queue a fact; the future holds its place once durable.

        With a `caller`, the root must list that certificate's identity for the key. Refusals: HeadMoved (its
        `head` is the head's digest), SignatureInvalid, Forbidden, BadRequest, TooLarge, RootExpired, StoreFailed.
        """
        entry = signed.to_bytes()
        if len(entry) > LARGEST_ENTRY:
            raise TooLarge(f"the envelope has {len(entry)} bytes and may have {LARGEST_ENTRY}")
        listed = self.root.signer_for(signed.fact, signed.keyid)
        if caller is not None:
            _require_listed(signed.fact, listed, caller)
        if self._closed:
            raise StoreFailed("the log is closed")
        waiting = _Waiting(signed, entry, Future())
        self._queue.put(waiting)
        return waiting.done

    def entry(self, index: int) -> Record:
        """Return an entry; raises NotFound."""
        found = self.entries(index, 1)
        if not found:
            raise NotFound(f"the log has no entry {index}")
        return found[0]

    def entries(self, start: int, limit: int) -> list[Record]:
        """Return durable entries in order."""
        bodies = self.rows.bodies(start, limit)
        return [Record(start + at, SignedFact.from_bytes(body)) for at, body in enumerate(bodies)]

    def index(self, digest: str) -> int:
        """Return where a fact stands; raises NotFound."""
        found = self.rows.find(bytes.fromhex(digest))
        if found is None:
            raise NotFound(f"no fact {digest} is in the log")
        return found

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""
        with self._guard:
            digest = self._known.heads.get(about)
        return None if digest is None else self.entry(self.index(digest))

    def fresh(self) -> None:
        """Return while the store holds: a log knows its own newest state; raises StoreFailed."""
        if self._failed is not None:
            raise self._failed

    def roles(self, person: str) -> frozenset[str]:
        """Return the roles a person holds."""
        with self._guard:
            return self._known.roles(person)

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        with self._guard:
            return self._known.revoked(digest)

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any."""
        with self._guard:
            return self._known.policy_revision()

    def close(self) -> None:
        """Commit what waits, sign a last checkpoint, close the store."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self.publisher.close()
        self.rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self) -> None:
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
            self._commit([one for one in batch if one.done.set_running_or_notify_cancel()])

    def _commit(self, batch: list[_Waiting]) -> None:
        """Decide a batch in order, make what was accepted durable, then answer everybody."""
        answers: list[Appended | ServiceError]
        accepted: list[Record] = []
        try:
            self.fresh()
            answers = [self._decide(one, accepted) for one in batch]
            if accepted:
                self._make_durable(accepted)
        except Exception as error:  # noqa: BLE001 - the writer's edge: nobody is left waiting, nothing more is accepted
            answers = [self._fail(error)] * len(batch)
        for one, answer in zip(batch, answers, strict=True):
            if isinstance(answer, ServiceError):
                one.done.set_exception(answer)
            else:
                one.done.set_result(answer)

    def _decide(self, one: _Waiting, accepted: list[Record]) -> Appended | ServiceError:
        """Return the fact's place, or why it gets none; an accepted one is in the writer's state from here on."""
        fact = one.signed.fact
        head = self._known.heads.get(fact.about)
        if fact.previous != head:  # heads never come back: a fact that is in the log ends here
            return self._repeated(one.signed, accepted) or HeadMoved(
                f"{fact.about} is at {head or 'its beginning'} and not at {fact.previous or 'its beginning'}",
                head=head,
            )
        index = self.tree.size
        try:
            self.root.require_current(datetime.fromtimestamp(self._clock(), UTC))
            self._require_in_time(fact)
            admit(self._known, one.signed, index, self.tree.root)
        except ServiceError as refusal:
            return refusal
        record = Record(index, one.signed)
        self.tree.extend([leaf_hash(one.entry)])
        with self._guard:
            self._known.apply(record)
        accepted.append(record)
        return Appended(index, record.digest, repeated=False)

    def _require_in_time(self, fact: Fact) -> None:
        """A move is judged at the time it names, so that time is now: nothing is back-dated into an approval."""
        if fact.kind not in JUDGED_AT_THEIR_TIME:
            return
        try:
            away = abs(
                (
                    datetime.fromisoformat(fact.time) - datetime.fromtimestamp(self._clock(), UTC)
                ).total_seconds()
            )
        except (ValueError, TypeError) as error:
            raise OffClock(
                f"the {fact.kind} fact is dated {fact.time[:40]!r}, which is no time in UTC"
            ) from error
        if away > CLOCKS_APART_SECONDS:
            raise OffClock(f"the {fact.kind} fact is dated {fact.time}, {away:.0f} s off the ledger's clock")

    def _repeated(self, signed: SignedFact, accepted: list[Record]) -> Appended | None:
        digest = signed.fact.digest
        index = next((record.index for record in accepted if record.digest == digest), None)
        if index is None:
            index = self.rows.find(bytes.fromhex(digest))
        return None if index is None else Appended(index, digest, repeated=True)

    def _make_durable(self, accepted: list[Record]) -> None:
        maps = self._maps.after(accepted)
        self.rows.commit(
            Batch(
                rows=[Row(r.index, r.kind.value, r.about, r.signed.to_bytes()) for r in accepted],
                digests=[bytes.fromhex(record.digest) for record in accepted],
                revoked=revocations_of(accepted),
            )
        )
        self._maps = maps
        self._offer()

    def _offer(self) -> None:
        self.publisher.offer(Durable(self.tree.size, self.tree.root(), self._maps))

    def _fail(self, error: Exception) -> StoreFailed:
        if self._failed is None:
            self._failed = StoreFailed(f"the log stopped: {error}")
            self._failed.__cause__ = error
            self._on_failure()
        return self._failed


def _require_listed(fact: Fact, listed: SignerEntry, caller: SpiffeId) -> None:
    """Return when the certificate is the one listed; a journal is its own identity's alone."""
    journal = fact.kind is FactKind.JOURNAL
    if not listed.is_by(caller) or (journal and fact.about != f"journal{caller.path}"):
        raise Forbidden(
            f"{caller} may not append {fact.kind} facts about {fact.about}",
            fix="the root lists which identity appends which kind of fact",
        )
