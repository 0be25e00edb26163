"""The log as its callers have it: envelopes are opened where they arrive, and the one writer gives them places.

Parsing an envelope and verifying its signature (elliptic curves work without Python's lock) need no order, so
they happen in the thread that brings it, or for an event loop in a few threads of the log's own.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from assay.contracts import Fact, FactKind, Revocation, SignedFact, SpiffeId
from assay.errors import Forbidden, NotFound, TooLarge
from assay.ledger import Checkpoint, LogForked, LogTruncated, Record, Root, SignerEntry
from assay.ledger.tree import leaf_hash
from services.ledger.errors import StoreFailed
from services.ledger.ports import Rows
from services.ledger.publishing import Publisher
from services.ledger.startup import State
from services.ledger.waiting import Appended, Prepared, Waiting
from services.ledger.writer import Writer

LARGEST_ENTRY: Final = 65_535  # bytes: an entry of C2SP tlog-tiles
LONGEST_ABOUT: Final = 400  # characters: what can be asked for, and filed in an index
APPEND_SECONDS: Final = 30.0
_THREADS: Final = min(4, os.cpu_count() or 1)


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
        self.rows = rows
        self.tree = state.tree
        self._known = state.known
        self._guard = threading.Lock()  # readers of `_known`, against its one writer
        self.publisher = Publisher(
            self.root.authority_at,
            sign,
            rows.save_note,
            last_ms=state.signed.time_ms if state.signed else 0,
            resign_seconds=resign_seconds,
            clock=clock,
        )
        self._opening = ThreadPoolExecutor(_THREADS, "open")
        self._writer = Writer(
            rows, state, self.publisher.offer, guard=self._guard, clock=clock, on_failure=on_failure
        )

    @property
    def root(self) -> Root:
        """The root in force: every next root the log holds was followed."""
        return self._known.root

    def successions(self) -> list[int]:
        """Return where the next roots stand."""
        with self._guard:
            return list(self._known.successions)

    def append(self, signed: SignedFact) -> Record:
        """Append and return the record that stands in the log, durable; raises like `submit`'s future."""
        answer = self.submit(signed).result(APPEND_SECONDS)
        return self.entry(answer.index) if answer.repeated else Record(answer.index, signed)

    def submit(self, signed: SignedFact, caller: SpiffeId | None = None) -> Future[Appended]:
        """Queue a fact; the future holds its place once durable.

        With a `caller`, the root must list that certificate's identity for the key. Refusals: HeadMoved (its
        `head` is the head's digest), SignatureInvalid, Forbidden, BadRequest, TooLarge, RootExpired, StoreFailed.
        """
        done: Future[Appended] = Future()
        self._writer.put(Waiting(self.prepared(signed, caller), done))
        return done

    async def appended(self, open_: Callable[[], SignedFact], caller: SpiffeId) -> Appended:
        """Append the envelope that `open_` reads, on an event loop that goes on meanwhile; raises like `submit`."""
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._opening, lambda: self.prepared(open_(), caller))
        return await self.placed(prepared)

    def placed(self, prepared: Prepared) -> asyncio.Future[Appended]:
        """Queue what is prepared; the running event loop's future holds its place once durable."""
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._writer.put(Waiting(prepared, done))
        return done

    def prepared(self, signed: SignedFact, caller: SpiffeId | None = None) -> Prepared:
        """Return an envelope of which only the place is left to decide: all that needs no order was checked."""
        entry = signed.to_bytes()
        if len(entry) > LARGEST_ENTRY:
            raise TooLarge(f"the envelope has {len(entry)} bytes and may have {LARGEST_ENTRY}")
        if len(signed.fact.about) > LONGEST_ABOUT:
            raise TooLarge(
                f"what the fact is about has {len(signed.fact.about)} characters, not {LONGEST_ABOUT}"
            )
        listed = self.root.signer_for(signed.fact, signed.keyid)
        if caller is not None:
            _require_listed(signed.fact, listed, caller)
        return Prepared(self.root.verified(signed), entry, leaf_hash(entry))

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
        self._writer.holds()

    @property
    def tenant(self) -> str:
        """The platform's own tenant: that of the first fact after the root."""
        with self._guard:
            return self._known.tenant

    def owner(self, name: str) -> str | None:
        """Return the tenant a name belongs to; None while nobody used it."""
        with self._guard:
            return self._known.owner(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""
        with self._guard:
            return self._known.roles(person, tenant)

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        with self._guard:
            return self._known.revoked(digest)

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any."""
        with self._guard:
            return self._known.policy_revision()

    def policy_fact(self) -> Record | None:
        """Return the fact of the policy in force; None before any, and when it is revoked."""
        with self._guard:
            return self._known.policy_fact()

    def compare(self, last: Checkpoint) -> None:
        """Take what a witness last cosigned: a log that does not hold that accepts nothing more.

        Raises:
            LogTruncated, LogForked: this store is an older copy, or went another way since.
        """
        size = self.tree.size
        if last.size > size:
            raise self._ended(LogTruncated(f"a witness cosigned {last.size} entries, and {size} are here"))
        if last.root != self.tree.root(last.size):
            raise self._ended(LogForked(f"a witness cosigned other entries up to {last.size}"))

    def close(self) -> None:
        """Commit what waits, sign a last checkpoint, close the store."""
        self._opening.shutdown()
        self._writer.close()
        self.publisher.close()
        self.rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ended(self, forked: LogForked) -> LogForked:
        self._writer.refuse_all(StoreFailed(f"the log stopped: {forked}", fix=forked.fix))
        return forked


def _require_listed(fact: Fact, listed: SignerEntry, caller: SpiffeId) -> None:
    """Return when the certificate is the one listed; a journal is its own identity's alone."""
    journal = fact.kind is FactKind.JOURNAL
    if not listed.is_by(caller) or (journal and fact.about != f"journal{caller.path}"):
        raise Forbidden(
            f"{caller} may not append {fact.kind} facts about {fact.about}",
            fix="the root lists which identity appends which kind of fact",
        )
