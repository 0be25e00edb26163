"""Following the log: every entry verified, kept in memory, and replayed into projections.

Roots are recomputed from the entries and must be what the checkpoint signs. A follower that finds a
contradiction says so for good: it answers nothing more until its process is restarted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from assay.contracts import CredentialBound, FactKind, Revocation
from assay.errors import ServiceError, SignatureInvalid, Stale
from assay.ledger.admission import admit
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.errors import LogForked
from assay.ledger.known import Known, Maps
from assay.ledger.lease import Lease
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.tree import Tree, leaf_hash

PAGE: Final = 1000
LONGEST_WAIT: Final = 1.0  # seconds a request for the next checkpoint may stay open
_PAUSE: Final = 0.01
_log = logging.getLogger(__name__)


class Log(Protocol):
    """What following needs of a ledger; `LedgerClient` is one."""

    @property
    def acknowledged(self) -> int:
        """The size the log has at least."""

    def checkpoint(self) -> Checkpoint:
        """Return the newest checkpoint, consistent with every one seen before."""

    def next_checkpoint(self, after_ms: int, seconds: float) -> Checkpoint:
        """Return the newest checkpoint, waiting up to `seconds` for one signed after `after_ms`."""

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """Return entries in order."""


class Projection(Protocol):
    """Tables that are made of facts."""

    def applied(self) -> int:
        """Return the next index wanted: 0 for a new database."""

    def apply(self, record: Record) -> None:
        """Take one record, of any kind, and say durably that the next is wanted, in one transaction."""


class Follower:
    """The verified log in memory. `start()` keeps following in a thread; `catch_up()` alone serves a command.

    `clock` is wall time and `monotonic` a clock that never steps, both in seconds.
    """

    def __init__(
        self,
        ledger: Log,
        root: Root,
        *,
        lease_seconds: float,
        poll_seconds: float = 0.2,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._pause = poll_seconds
        self._lease = Lease(lease_seconds, clock, monotonic)
        self._known = Known(root)
        self._tree = Tree()
        self._maps = Maps()
        self._records: list[Record] = []
        self._by_digest: dict[str, Record] = {}
        self._by_kind: dict[FactKind, list[Record]] = {}
        self._projections: list[Projection] = []
        self._forked: SignatureInvalid | None = None
        self._following = threading.RLock()  # one catch-up at a time
        self._reading = threading.RLock()  # nobody reads half an entry
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Catch up once, then keep following in a thread; raises what catching up raises."""
        self.catch_up()
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def catch_up(self) -> int:
        """Follow to a checkpoint that covers everything this process appended; return the size.

        Raises:
            Unavailable, Stale: the ledger, or its next checkpoint, does not come.
            LogForked, SignatureInvalid: the log contradicts itself, or holds what the root does not admit.
        """
        wanted = self._ledger.acknowledged
        patient_until = self._lease.monotonic() + self._lease.seconds
        while (checkpoint := self._asked(self._ledger.checkpoint)).size < wanted:
            if self._lease.monotonic() > patient_until:
                raise Stale(f"the ledger acknowledged {wanted} entries and signed only {checkpoint.size}")
            time.sleep(_PAUSE)
        return self._follow_to(checkpoint)

    def fresh(self) -> None:
        """Return while the newest checkpoint is within the lease; raises Stale, or for good LogForked."""
        self._refuse_forked()
        self._lease.require()

    @property
    def root(self) -> Root:
        """The root in force: the pinned one, or the newest that follows it in the log."""
        with self._readable():
            return self._known.root

    @property
    def size(self) -> int:
        """The number of entries followed."""
        with self._reading:
            return len(self._records)

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint followed to; raises Stale before the first."""
        return self._lease.checkpoint()

    def root_at(self, size: int) -> bytes:
        """Return the tree's root at a size that was followed."""
        with self._readable():
            return self._tree.root(size)

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""
        with self._readable():
            return self._by_digest.get(digest)

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""
        with self._readable():
            digest = self._known.heads.get(about)
            return None if digest is None else self._by_digest[digest]

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""
        with self._readable():
            among = self._records if kind is None else self._by_kind.get(kind, [])
            return [one for one in among if one.about.startswith(about_prefix)]

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest (of a fact, or of `key/…`, `person/…`, `identity/…`)."""
        with self._readable():
            return self._known.revoked(digest)

    @property
    def tenant(self) -> str:
        """The platform's own tenant: that of the first fact after the root."""
        with self._readable():
            return self._known.tenant

    def owner(self, name: str) -> str | None:
        """Return the tenant a name such as `model/credit` or `endpoint/prod/credit` belongs to."""
        with self._readable():
            return self._known.owner(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""
        with self._readable():
            return self._known.roles(person, tenant)

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's bound credential, unless it or the person is revoked."""
        with self._readable():
            return self._known.credential(person, credential_id)

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any."""
        with self._readable():
            return self._known.policy_revision()

    def policy_fact(self) -> Record | None:
        """Return the fact of the policy in force; None before any, and when it is revoked."""
        with self._readable():
            return self._known.policy_fact()

    def subscribe(self, projection: Projection) -> None:
        """Replay from `projection.applied()` now, and apply every later record in order.

        Raises:
            LogForked: the projection has applied more than the log holds.
        """
        with self._following:
            if projection.applied() > self.size:
                raise LogForked(
                    f"a projection applied {projection.applied()} entries and the log holds {self.size}",
                    fix="delete the service's database: it is rebuilt from facts",
                )
            self._project([projection])
            self._projections.append(projection)

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Hold the log where it is: in here every projection has applied what is followed to."""
        with self._following:
            yield

    def _follow(self) -> None:
        """Ask for the next checkpoint until closed; what fails is tried again after a pause."""
        failing = ""
        while not self._stop.is_set():
            try:
                self._follow_to(self._asked(self._next))
                failing = ""
            except Exception as error:  # noqa: BLE001 - the thread's edge: the lease ends while this lasts
                if failing != repr(error):
                    _log.warning("following the ledger: %r", error)
                failing = repr(error)
                self._stop.wait(self._pause)

    def _next(self) -> Checkpoint:
        return self._ledger.next_checkpoint(self._lease.time_ms, LONGEST_WAIT)

    def _asked(self, ask: Callable[[], Checkpoint]) -> Checkpoint:
        """Return the log's answer; a log that contradicts itself is not asked again."""
        self._refuse_forked()
        try:
            return ask()
        except LogForked as error:
            self._forked = error
            raise

    def _follow_to(self, checkpoint: Checkpoint) -> int:
        with self._following:
            self._refuse_forked()
            try:
                if checkpoint.size > len(self._records):
                    self._take(self._missing(checkpoint.size), checkpoint)
            except SignatureInvalid as error:
                self._forked = error
                raise
            self._project(self._projections)
            self._lease.renew(checkpoint)
            return len(self._records)

    def _missing(self, size: int) -> list[Record]:
        """Fetch the entries up to a size."""
        found: list[Record] = []
        start = len(self._records)
        while (have := start + len(found)) < size:
            page = self._ledger.entries(have, min(PAGE, size - have))
            if not page or [one.index for one in page] != list(range(have, have + len(page))):
                raise LogForked(f"the log signed {size} entries and does not give entry {have}")
            found += page[: size - have]
        return found

    def _take(self, records: list[Record], checkpoint: Checkpoint) -> None:
        """Take entries that are what the checkpoint signs and each of which counts."""
        maps = self._maps.after(records)
        with self._reading:
            self._tree.extend(leaf_hash(one.signed.to_bytes()) for one in records)
            recomputed = (self._tree.root(), maps.revocations.root, maps.heads.root)
            if recomputed != (checkpoint.root, checkpoint.revocations, checkpoint.heads):
                raise LogForked(f"the entries are not what the checkpoint of size {checkpoint.size} signs")
            for record in records:
                self._take_one(record)
            self._maps = maps

    def _take_one(self, record: Record) -> None:
        head = self._known.heads.get(record.about)
        if record.fact.previous != head or record.digest in self._by_digest:
            raise LogForked(f"entry {record.index} does not follow the head of {record.about}")
        try:
            admit(self._known, record.signed, record.index, self._tree.root)
        except ServiceError as error:
            raise SignatureInvalid(f"entry {record.index} does not count: {error.detail}") from error
        self._known.apply(record)
        self._records.append(record)
        self._by_digest[record.digest] = record
        self._by_kind.setdefault(record.kind, []).append(record)

    def _project(self, projections: list[Projection]) -> None:
        for projection in projections:
            for record in self._records[projection.applied() :]:
                projection.apply(record)

    def _refuse_forked(self) -> None:
        if self._forked is not None:
            raise self._forked

    def _readable(self) -> threading.RLock:
        self._refuse_forked()
        return self._reading
