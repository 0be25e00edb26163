"""What the log signs, and when: soon after a commit, at most every 100 ms, and again when idle.

Only durable states are signed, a note is saved before it is shown, and proofs are made against what was shown.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

from assay.errors import Unavailable
from assay.ledger import Checkpoint, Root
from assay.ledger.checkpoint import open_note, sign_note
from assay.ledger.known import Maps

SHORTEST_INTERVAL: Final = 0.1  # seconds
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


class Publisher:
    """Signs the newest durable state in a thread of its own. `resign_seconds` is the longest silence."""

    def __init__(
        self,
        root: Root,
        sign: Callable[[bytes], bytes],
        save: Callable[[int, str], None],
        *,
        last_ms: int,
        resign_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._sign = sign
        self._save = save
        self._last_ms = last_ms  # time never goes back, not over restarts either
        self._resign = resign_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._durable: Durable | None = None
        self._published: Published | None = None
        self._waiting: list[tuple[int, Future[Published]]] = []
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
            raise Unavailable("the ledger has not signed a checkpoint yet")
        return self._published

    def covering(self, size: int, seconds: float) -> Published:
        """Return a published state of at least `size` entries, waiting up to `seconds`; raises Unavailable."""
        with self._changed:
            self._changed.wait_for(lambda: self._covers(size) or self._closed, seconds)
        if not self._covers(size):
            raise Unavailable(f"no checkpoint covers {size} entries yet")
        return self.newest()

    def after(self, time_ms: int) -> Future[Published]:
        """Return the first published state signed after `time_ms`; cancelled when the log closes."""
        future: Future[Published] = Future()
        with self._changed:
            if self._published and self._published.checkpoint.time_ms > time_ms:
                future.set_result(self._published)
            elif self._closed:
                future.cancel()
            else:
                self._waiting = [one for one in self._waiting if not one[1].done()]
                self._waiting.append((time_ms, future))
        return future

    def close(self) -> None:
        """Publish what is durable, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        for _, future in self._waiting:
            future.cancel()

    def _covers(self, size: int) -> bool:
        return self._published is not None and self._published.checkpoint.size >= size

    def _unpublished(self) -> bool:
        durable = self._durable
        return durable is not None and durable.size > 0 and not self._covers(durable.size)

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
            while not self._unpublished():
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
        """Publish; return whether that failed: it is tried again, and meanwhile everybody's lease runs out."""
        try:
            self._publish(durable)
        except Exception as error:  # noqa: BLE001 - the thread's edge: whoever follows is told by its lease
            _log.warning("no checkpoint: %r", error)
            return True
        return False

    def _publish(self, durable: Durable) -> None:
        unsigned = Checkpoint(
            origin=self._root.log_origin,
            size=durable.size,
            root=durable.root,
            revocations=durable.maps.revocations.root,
            heads=durable.maps.heads.root,
            time_ms=max(int(self._clock() * 1000), self._last_ms + 1),
        )
        note = sign_note(unsigned, self._root.log_key_pem, self._sign)
        checkpoint = open_note(note, self._root.log_origin, self._root.log_key_pem)  # ours, by the root's key
        self._save(checkpoint.size, note)
        self._last_ms = checkpoint.time_ms
        self._show(Published(checkpoint, durable.maps))

    def _show(self, published: Published) -> None:
        with self._changed:
            self._published = published
            told = [future for after, future in self._waiting if after < published.checkpoint.time_ms]
            self._waiting = [one for one in self._waiting if one[0] >= published.checkpoint.time_ms]
            self._changed.notify_all()
        for future in told:
            if future.set_running_or_notify_cancel():
                future.set_result(published)
