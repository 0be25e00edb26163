"""Keeping a token alive: renewed at half its life, in a thread, a little off the beat."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from assay.errors import ServiceError, Unavailable
from assay.vault.errors import LoginEnded

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_SHORTEST_SECONDS = 0.01


class Renewal:
    """Calls `renew`, which returns the seconds gained, until closed or refused."""

    def __init__(self, renew: Callable[[], float], lease_seconds: float) -> None:
        self._renew = renew
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(lease_seconds,), name="vault-token", daemon=True
        )
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether Vault refused to renew, or said on another call that the token is gone."""
        return self._lost.is_set()

    def lose(self) -> None:
        """Remember that the token is gone, as after a long sleep of the machine."""
        self._lost.set()
        self._stop.set()

    def close(self) -> None:
        """Stop renewing."""
        self._stop.set()
        self._thread.join(timeout=2 * _RETRY_SECONDS)

    def _run(self, lease_seconds: float) -> None:
        wait = _half(lease_seconds)
        while not self._stop.wait(wait):
            try:
                wait = _half(self._renew())
            except ServiceError as refusal:
                if isinstance(refusal, LoginEnded) or not isinstance(refusal, Unavailable):
                    _LOG.error("Vault does not renew this login: %s", refusal.detail)
                    self.lose()
                wait = min(_RETRY_SECONDS, _half(lease_seconds))


def _half(lease_seconds: float) -> float:
    part = random.uniform(0.4, 0.5)  # noqa: S311 - spreads load, guards nothing
    return max(_SHORTEST_SECONDS, lease_seconds * part)
