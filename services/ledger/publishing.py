"""What the log signs and shows, and when: soon after a commit, at most every 100 ms, and again when idle.

Only durable states are signed, and a note is saved before anybody sees it. Under a root with a quorum a signed
state is handed to the witnesses and shown once enough of them cosigned it; the next one is signed after that,
so that they all speak of the same one. Proofs are made against what was shown.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from assay.errors import SignatureInvalid, Unavailable
from assay.ledger import Checkpoint
from assay.ledger.checkpoint import open_note, sign_note
from assay.ledger.cosignature import Authority, cosigners, with_cosignatures
from assay.ledger.known import Maps
from services.ledger.errors import NotOutstanding

SHORTEST_INTERVAL: Final = 0.1  # seconds
MOST_OUTSTANDING: Final = 8  # signed states whose cosignatures are still taken
_AFTER_FAILURE: Final = 0.5
_log = logging.getLogger(__name__)


class Durable(Protocol):
    """A committed state of the log."""

    @property
    def size(self) -> int:
        """How many entries it has."""

    @property
    def root(self) -> bytes:
        """The root of their tree."""

    @property
    def maps(self) -> Maps:
        """Both maps after them."""


@dataclass(frozen=True)
class Published:
    """A signed state, and the maps that prove what it says."""

    checkpoint: Checkpoint
    maps: Maps


@dataclass
class _Signed:
    """A state with the log's signature, and the witnesses' lines so far, by name."""

    published: Published
    authority: Authority
    lines: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.lines) >= self.authority.quorum

    def shown(self) -> Published:
        """Return the state with exactly the quorum's cosignatures, in the root's order."""
        said = [self.lines[one.name] for one in self.authority.witnesses if one.name in self.lines]
        note = with_cosignatures(self.published.checkpoint, said[: self.authority.quorum])
        return replace(self.published, checkpoint=replace(self.published.checkpoint, note=note))


class _Queue:
    """Those who wait for a state signed after a time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Future[Published]]] = []

    def add(self, time_ms: int, newest: Published | None, *, closed: bool) -> Future[Published]:
        future: Future[Published] = Future()
        if newest and newest.checkpoint.time_ms > time_ms:
            future.set_result(newest)
        elif closed:
            future.cancel()
        else:
            self._waiting = [one for one in self._waiting if not one[1].done()]
            self._waiting.append((time_ms, future))
        return future

    def take(self, time_ms: int) -> list[Future[Published]]:
        """Take out those who waited for a time before this."""
        told = [future for after, future in self._waiting if after < time_ms]
        self._waiting = [one for one in self._waiting if one[0] >= time_ms]
        return told

    def cancel(self) -> None:
        for _, future in self._waiting:
            future.cancel()


class Publisher:
    """Signs the newest durable state in a thread of its own. `resign_seconds` is the longest silence.

    `authority_at(size)` says whose signatures make a checkpoint of a size count.
    """

    def __init__(
        self,
        authority_at: Callable[[int], Authority],
        sign: Callable[[bytes], bytes],
        save: Callable[[int, str], None],
        *,
        last_ms: int,
        resign_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._authority_at = authority_at
        self._sign = sign
        self._save = save
        self._last_ms = last_ms  # time never goes back, not over restarts either
        self._resign = resign_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._durable: Durable | None = None
        self._signed: _Signed | None = None
        self._published: Published | None = None
        self._outstanding: dict[int, _Signed] = {}  # by time
        self._followers = _Queue()
        self._witnesses = _Queue()
        self._closed = False
        self._tried = -resign_seconds
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def offer(self, durable: Durable) -> None:
        """Say what is durable now."""
        with self._changed:
            self._durable = durable
            self._changed.notify_all()

    def newest(self) -> Published:
        """Return the newest published state; raises Unavailable before the first."""
        if self._published is None:
            raise Unavailable("the ledger has not published a checkpoint yet: its witnesses may be missing")
        return self._published

    def newest_signed(self) -> Published:
        """Return the newest state with the log's signature alone; raises Unavailable before the first."""
        if self._signed is None:
            raise Unavailable("the ledger has not signed a checkpoint yet")
        return self._signed.published

    def covering(self, size: int, seconds: float) -> Published:
        """Return a published state of at least `size` entries, waiting up to `seconds`; raises Unavailable."""
        with self._changed:
            self._changed.wait_for(lambda: self._covers(size) or self._closed, seconds)
        if not self._covers(size):
            raise Unavailable(f"no checkpoint covers {size} entries yet")
        return self.newest()

    def after(self, time_ms: int) -> Future[Published]:
        """Return the first published state signed after `time_ms`; cancelled when the log closes."""
        with self._changed:
            return self._followers.add(time_ms, self._published, closed=self._closed)

    def signed_after(self, time_ms: int) -> Future[Published]:
        """Return the first state the log alone signed after `time_ms`: what a witness looks at."""
        with self._changed:
            newest = self._signed.published if self._signed else None
            return self._witnesses.add(time_ms, newest, closed=self._closed)

    def cosigned(self, time_ms: int, line: str) -> None:
        """Take a witness's cosignature of the state signed at `time_ms`; the quorum's last one publishes it.

        Raises:
            NotOutstanding: no such state waits for cosignatures.
            SignatureInvalid: the line is not by a witness of the root, or does not verify.
        """
        signed = self._outstanding.get(time_ms)
        if signed is None:
            raise NotOutstanding(f"no checkpoint of time {time_ms} waits for cosignatures")
        alone = replace(
            signed.published.checkpoint, note=with_cosignatures(signed.published.checkpoint, [line])
        )
        said = cosigners(alone, signed.authority.witnesses)
        if len(said) != 1 or line.count("\n") != 1:
            raise SignatureInvalid("the cosignature is not by a witness that the root names")
        with self._changed:
            signed.lines[said[0].name] = line
        if signed.complete:
            self._show(signed.shown())

    def close(self) -> None:
        """Sign what is durable, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._followers.cancel()
        self._witnesses.cancel()

    def _covers(self, size: int) -> bool:
        return self._published is not None and self._published.checkpoint.size >= size

    def _unsigned(self) -> bool:
        durable, signed = self._durable, self._signed
        if durable is None or not durable.size:
            return False
        return signed is None or signed.published.checkpoint.size < durable.size

    def _awaiting(self) -> bool:
        """Say whether the newest signed state is not shown yet."""
        return self._signed is not None and not self._covers(self._signed.published.checkpoint.size)

    def _run(self) -> None:
        while (durable := self._due()) is not None:
            failed = self._try(durable)
            self._tried = time.monotonic()
            if failed and self._closed:
                return
            if failed:
                self._pause()

    def _due(self) -> Durable | None:
        """Wait until a state is to be signed, and return it; None once closed and everything is signed."""
        with self._changed:
            while not (self._unsigned() and (self._closed or not self._awaiting())):
                if self._closed:
                    return None
                idle = self._durable is None or not self._durable.size
                left = self._tried + self._resign - time.monotonic()
                if not idle and left <= 0:
                    break
                self._changed.wait(None if idle else left)
            rest = self._tried + SHORTEST_INTERVAL - time.monotonic()
            self._changed.wait_for(lambda: self._closed, max(0.0, rest))
            return self._durable

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, _AFTER_FAILURE)

    def _try(self, durable: Durable) -> bool:
        """Sign; return whether that failed: it is tried again, and meanwhile everybody's lease runs out."""
        try:
            self._publish(durable)
        except Exception as error:  # noqa: BLE001 - the thread's edge: whoever follows is told by its lease
            _log.warning("no checkpoint: %r", error)
            return True
        return False

    def _publish(self, durable: Durable) -> None:
        authority = self._authority_at(durable.size)
        origin, pem = authority.origin, authority.log_key_pem
        unsigned = Checkpoint(
            origin=origin,
            size=durable.size,
            root=durable.root,
            revocations=durable.maps.revocations.root,
            heads=durable.maps.heads.root,
            time_ms=max(int(self._clock() * 1000), self._last_ms + 1),
        )
        note = sign_note(unsigned, pem, self._sign)
        checkpoint = open_note(note, origin, pem)  # ours, by the root's key
        self._save(checkpoint.size, note)
        self._last_ms = checkpoint.time_ms
        signed = _Signed(Published(checkpoint, durable.maps), authority)
        self._hand_out(signed)
        if signed.complete:  # nobody has to cosign
            self._show(signed.shown())

    def _hand_out(self, signed: _Signed) -> None:
        """Let the witnesses see what the log signed."""
        time_ms = signed.published.checkpoint.time_ms
        with self._changed:
            self._signed = signed
            self._outstanding[time_ms] = signed
            for late in sorted(self._outstanding)[:-MOST_OUTSTANDING]:
                del self._outstanding[late]
            told = self._witnesses.take(time_ms)
        _tell(told, signed.published)

    def _show(self, published: Published) -> None:
        time_ms = published.checkpoint.time_ms
        with self._changed:
            if self._published and self._published.checkpoint.time_ms >= time_ms:
                return
            self._published = published
            for done in [one for one in self._outstanding if one <= time_ms]:
                del self._outstanding[done]
            told = self._followers.take(time_ms)
            self._changed.notify_all()
        _tell(told, published)


def _tell(told: list[Future[Published]], published: Published) -> None:
    for future in told:
        if future.set_running_or_notify_cancel():
            future.set_result(published)
