"""What is cosigned, and what never: one step looks at one checkpoint of the log.

The order is the promise: recompute, compare with what was cosigned before, keep, cosign, hand in. A crash in
between leaves a state that is ahead of what anybody saw, never behind it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final

from assay.contracts import Revocation
from assay.errors import Conflict, SignatureInvalid, Stale
from assay.ledger import Checkpoint, LogForked, LogTruncated, Record, Root
from assay.ledger.checkpoint import open_note
from assay.ledger.cosignature import Witness, cosign, cosigners, with_cosignatures
from assay.ledger.known import Known
from services.witness.errors import BackDated, ClocksApart, NoWitness
from services.witness.ports import Kept, SignedLog
from services.witness.watch import Watch

PAGE: Final = 1000
CLOCKS_APART_SECONDS: Final = 60.0


class Witnessing:
    """One witness of one log. `step` is called by one thread; what is known may be read by others.

    `clock` is wall time in seconds; `lease_seconds` is how long the last step keeps what is known fresh.

    Raises:
        NoWitness: the root does not name this witness with this key.
        StateLost: what it cosigned last is gone.
    """

    def __init__(
        self,
        name: str,
        root: Root,
        kept: Kept,
        log: SignedLog,
        *,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._me = Witness(name, kept.public_key())
        self._root = root
        self._kept = kept
        self._log = log
        self._clock = clock
        self._lease = lease_seconds
        self._guard = threading.Lock()
        self._watch: Watch | None = None
        self._waiting: tuple[int, str] | None = None  # a cosignature that may not have arrived
        self._require_named(root)
        note = kept.last()
        self._last = None if note is None else self._read(note)

    @property
    def last(self) -> Checkpoint | None:
        """What was cosigned last."""
        return self._last

    def step(self, seconds: float) -> bool:
        """Look at the log's newest checkpoint, waiting up to `seconds` for one; say whether it was cosigned.

        Raises:
            LogTruncated, LogForked, BackDated: it does not continue what was cosigned before.
            SignatureInvalid: it is not signed by the log.
            ClocksApart, Unavailable: now is not the time; the next step may be.
        """
        watch = self._watching()
        self._deliver()
        note = self._log.signed(self._last.time_ms if self._last else 0, seconds)
        try:
            checkpoint = self._continued(note, watch)
        except SignatureInvalid:
            self._watch = None  # what was taken from this log is not believed
            raise
        if checkpoint is None:
            return False
        self._cosign(checkpoint)
        return True

    # ---- what is known, for the people and services that ask this process

    def fresh(self) -> None:
        """Return while the last cosigned checkpoint is within the lease; raises Stale."""
        last = self._last
        if last is None or self._clock() - last.time_ms / 1000 > self._lease:
            raise Stale("nothing was cosigned within the lease")

    @property
    def root(self) -> Root:
        """The root in force, as the entries say; the pinned one before they were read."""
        with self._guard:
            return self._root if self._watch is None else self._watch.known.root

    @property
    def tenant(self) -> str:
        """The platform's own tenant: that of the first fact after the root."""
        with self._guard:
            return self._known().tenant

    def owner(self, name: str) -> str | None:
        """Return the tenant a name belongs to; None while nobody used it."""
        with self._guard:
            return self._known().owner(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""
        with self._guard:
            return self._known().roles(person, tenant)

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        with self._guard:
            return self._known().revoked(digest)

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any."""
        with self._guard:
            return self._known().policy_revision()

    def policy_fact(self) -> Record | None:
        """Return the fact of the policy in force; None before any, and when it is revoked."""
        with self._guard:
            return self._known().policy_fact()

    # ---- one step

    def _watching(self) -> Watch:
        """Return the watch, rebuilt from the log's entries when there is none: they must be those cosigned."""
        if self._watch is not None:
            return self._watch
        watch = Watch(self._root)
        last = self._last
        if last is not None:
            self._log.compare(last.note)
            self._take(watch, last.size, admitted=True)
            watch.check(last)
        self._watch = watch
        return watch

    def _continued(self, note: str, watch: Watch) -> Checkpoint | None:
        """Return the checkpoint of a note when it is later and continues ours; None when it is ours."""
        authority = self._root.authority
        checkpoint = open_note(note, authority.origin, authority.log_key_pem)
        last = self._last
        if last is not None:
            if checkpoint.text() == last.text():
                return None
            _require_after(last, checkpoint)
        away = abs(self._clock() - checkpoint.time_ms / 1000)
        if away > CLOCKS_APART_SECONDS:
            raise ClocksApart(
                f"the checkpoint of size {checkpoint.size} is dated {away:.0f} s away from here"
            )
        self._take(watch, checkpoint.size)
        watch.check(checkpoint)
        return checkpoint

    def _take(self, watch: Watch, size: int, *, admitted: bool = False) -> None:
        """Let a watch take the entries up to a size."""
        while watch.size < size:
            page = self._log.entries(watch.size, min(PAGE, size - watch.size))
            if not page:
                raise LogTruncated(f"the log signed {size} entries and does not give entry {watch.size}")
            with self._guard:
                watch.take(page[: size - watch.size], admitted=admitted)

    def _cosign(self, checkpoint: Checkpoint) -> None:
        line = cosign(checkpoint, self._me, self._kept.sign, int(self._clock()))
        self._kept.keep(with_cosignatures(checkpoint, [line]))
        self._last = checkpoint
        self._waiting = (checkpoint.time_ms, line)
        self._deliver()

    def _deliver(self) -> None:
        """Hand in what was cosigned; after a lost answer it is handed in again."""
        if self._waiting is not None:
            with contextlib.suppress(Conflict):  # it came too late: the log signed again
                self._log.hand_in(*self._waiting)
            self._waiting = None

    # ---- who we are, and what we kept

    def _require_named(self, root: Root) -> None:
        if self._me not in root.authority.witnesses:
            raise NoWitness(f"the root of {root.trust_domain} names no witness {self._me.name} with this key")

    def _read(self, note: str) -> Checkpoint:
        """Return what we cosigned last: by the log's key and ours, or it is not what we kept."""
        authority = self._root.authority
        checkpoint = open_note(note, authority.origin, authority.log_key_pem)
        if not cosigners(checkpoint, [self._me]):
            raise SignatureInvalid(f"{self._me.name} did not cosign what stands in its folder")
        return checkpoint

    def _known(self) -> Known:
        if self._watch is None:
            raise Stale("the log's entries have not been read yet")
        return self._watch.known


def _require_after(last: Checkpoint, new: Checkpoint) -> None:
    """Return when a checkpoint may come after the last one."""
    if new.size < last.size:
        raise LogTruncated(f"the log signs {new.size} entries, and {last.size} were cosigned")
    if new.size == last.size and not new.same_log(last):
        raise LogForked(f"two different checkpoints of size {new.size} were signed")
    if new.time_ms <= last.time_ms:
        raise BackDated(f"a checkpoint of time {new.time_ms} came after one of time {last.time_ms}")
