"""A lease is a fresh checkpoint: how old the newest one is, by two clocks; the more pessimistic one counts."""

from __future__ import annotations

from collections.abc import Callable

from assay.errors import Stale
from assay.ledger.checkpoint import Checkpoint


class Lease:
    """The newest checkpoint and its age; `seconds` is how old it may be.

    Its age at arrival is by wall time (never less than nothing); from then on it grows by the monotonic
    clock, and by wall time where that says more: a machine that slept or was set back is not fooled.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self.seconds = seconds
        self.monotonic = monotonic
        self._clock = clock
        self._newest: tuple[Checkpoint, float] | None = None  # and the monotonic time it was signed at

    @property
    def time_ms(self) -> int:
        """When the newest checkpoint was signed, milliseconds since 1970; 0 before the first."""
        return self._newest[0].time_ms if self._newest else 0

    def checkpoint(self) -> Checkpoint:
        """Return the newest checkpoint; raises Stale before the first."""
        if self._newest is None:
            raise Stale("no checkpoint of the ledger has been seen yet")
        return self._newest[0]

    def renew(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint; one that is not newer than ours changes nothing."""
        if checkpoint.time_ms > self.time_ms:
            age = max(0.0, self._clock() - checkpoint.time_ms / 1000)
            self._newest = (checkpoint, self.monotonic() - age)

    def require(self) -> None:
        """Return while the newest checkpoint is young enough; raises Stale."""
        newest = self.checkpoint()
        signed = self._newest[1] if self._newest else 0.0
        age = max(self.monotonic() - signed, self._clock() - newest.time_ms / 1000)
        if age > self.seconds:
            raise Stale(f"the newest checkpoint is {age:.1f} s old and may be {self.seconds:g} s")
