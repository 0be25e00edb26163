"""How often something may be tried: a sliding window for each key, in memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from assay.pages.errors import TooManyAttempts

_MOST_KEYS = 10_000


class Attempts:
    """At most `most` attempts in any `seconds` for each key (an address, a person); `clock` is monotonic."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._made: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, key: str) -> None:
        """Count one attempt; raises TooManyAttempts, and counts none, when there were enough already."""
        now = self._clock()
        with self._lock:
            if key not in self._made and len(self._made) >= _MOST_KEYS:
                self._forget(now)
            made = self._made.setdefault(key, deque())
            while made and made[0] <= now - self._seconds:
                made.popleft()
            if len(made) >= self._most:
                raise TooManyAttempts(f"{self._most} attempts in {self._seconds:.0f} seconds are enough")
            made.append(now)

    def _forget(self, now: float) -> None:
        """Drop keys without a recent attempt; past the most keys, new ones wait for old ones to end."""
        recent = {key: made for key, made in self._made.items() if made and made[-1] > now - self._seconds}
        if len(recent) >= _MOST_KEYS:
            raise TooManyAttempts("too many are trying at once")
        self._made = recent
