"""Keeping a token alive: renewed at half its life, in a thread, a little off the beat, and looked at in between.

A login that Vault ended is noticed within seconds, and whoever asked to be told is told once.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from assay.errors import ServiceError, Unavailable
from assay.vault.errors import LoginEnded

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 5.0
_SHORTEST_SECONDS = 0.01


class Renewal:
    """Calls `renew`, which returns the seconds gained, until closed or refused; `look` asks whether it still counts."""

    def __init__(
        self, renew: Callable[[], float], lease_seconds: float, look: Callable[[], None] | None = None
    ) -> None:
        self._renew = renew
        self._look = look
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._telling = threading.Lock()
        self._told: list[Callable[[], None]] = []
        self._thread = threading.Thread(
            target=self._run, args=(lease_seconds,), name="vault-token", daemon=True
        )
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether Vault refused to renew, or said on another call that the token is gone."""
        return self._lost.is_set()

    def on_loss(self, told: Callable[[], None]) -> None:
        """Call `told` once when the token is gone: now, if it is."""
        with self._telling:
            if not self.lost:
                self._told.append(told)
                return
        told()

    def lose(self) -> None:
        """Remember that the token is gone, as after a revocation or a long sleep of the machine, and say so."""
        with self._telling:
            self._lost.set()
            self._stop.set()
            told, self._told = self._told, []
        for each in told:
            each()

    def close(self) -> None:
        """Stop renewing."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2 * _RETRY_SECONDS)

    def _run(self, lease_seconds: float) -> None:
        due = time.monotonic() + _half(lease_seconds)
        while not self._stop.wait(self._pause(due)):
            if time.monotonic() < due:
                self._tried(self._looked)
            elif (gained := self._tried(self._renew)) is None:
                due = time.monotonic() + min(_RETRY_SECONDS, _half(lease_seconds))
            else:
                due = time.monotonic() + _half(gained)

    def _pause(self, due: float) -> float:
        left = max(due - time.monotonic(), _SHORTEST_SECONDS)
        return left if self._look is None else min(left, _LOOK_SECONDS)

    def _looked(self) -> float:
        if self._look is not None:
            self._look()
        return 0.0

    def _tried(self, ask: Callable[[], float]) -> float | None:
        """Return what was gained; None when Vault does not answer, or says no, which ends it all."""
        try:
            return ask()
        except ServiceError as refusal:
            if not self._stop.is_set() and (
                isinstance(refusal, LoginEnded) or not isinstance(refusal, Unavailable)
            ):
                _LOG.error("Vault ended this login: %s", refusal.detail)
                self.lose()
            return None


def _half(lease_seconds: float) -> float:
    part = random.uniform(0.4, 0.5)  # noqa: S311 - spreads load, guards nothing
    return max(_SHORTEST_SECONDS, lease_seconds * part)
