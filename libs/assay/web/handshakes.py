"""Who could not prove who they are: counted per listener and said at most every few seconds, never kept as entries.

A failed handshake, or a call of nobody that is refused, costs us a number. So it can be seen, and no stranger can
fill our disk. What strangers send is never repeated: reasons are words of ours.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from assay.web.events import announce

SAID_EVERY_SECONDS: Final = 10.0
NO_IDENTITY: Final = "certificate of nobody"
_OTHER: Final = "other"
_SLACK: Final = 0.01
_REASONS: Final = {
    "CERTIFICATE_VERIFY_FAILED": "certificate not verified",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no certificate",
    "UNSUPPORTED_PROTOCOL": "old protocol",
    "NO_SHARED_CIPHER": "no shared cipher",
    "HTTP_REQUEST": "not TLS",
    "HTTPS_PROXY_REQUEST": "not TLS",
    "WRONG_VERSION_NUMBER": "not TLS",
    "UNEXPECTED_EOF_WHILE_READING": "broken off",
}
_LOG: Final = logging.getLogger(__name__)


class Strangers:
    """Counts, by reason, of those whom a listener did not believe. Safe for threads.

    `say(listener, counts)` is called with the totals at the first of them and then at most every `every` seconds.
    """

    def __init__(
        self,
        listener: str,
        say: Callable[[str, Mapping[str, int]], None],
        *,
        every: float = SAID_EVERY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.listener = listener
        self._say = say
        self._every = every
        self._monotonic = monotonic
        self._counts: dict[str, int] = {}
        self._said = float("-inf")
        self._unsaid = False
        self._later: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()

    def count(self, reason: str) -> None:
        """Count one; say the totals when it is time."""
        with self._lock:
            self._counts[reason] = self._counts.get(reason, 0) + 1
            self._unsaid = True
        self.tell()

    def tell(self) -> None:
        """Say what has not been said yet; when that is too early, say it later, once."""
        with self._lock:
            now = self._monotonic()
            if not self._unsaid or self._closed:
                return
            if (early := self._every - (now - self._said)) > 0:
                self._tell_in(early)
                return
            self._said, self._unsaid = now, False
            counts = dict(self._counts)
        self._say(self.listener, counts)

    def _tell_in(self, seconds: float) -> None:
        if self._later is None or not self._later.is_alive():
            self._later = threading.Timer(seconds + _SLACK, self.tell)
            self._later.daemon = True
            self._later.start()

    def close(self) -> None:
        """Say what has not been said yet and say nothing afterwards: the listener ended."""
        with self._lock:
            self._said = float("-inf")
            later = self._later
        if later is not None:
            later.cancel()
        self.tell()
        with self._lock:
            self._closed = True

    @property
    def counts(self) -> dict[str, int]:
        """The totals by reason since the listener began."""
        with self._lock:
            return dict(self._counts)


def say(listener: str, counts: Mapping[str, int]) -> None:
    """Tell the supervisor (`assay status` shows it) and the log."""
    announce(f"strangers:{listener}", counts=dict(counts), total=sum(counts.values()))
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    _LOG.warning("security: %s refused strangers since its start: %s", listener, told)


def counted(context: ssl.SSLContext, strangers: Strangers) -> ssl.SSLContext:
    """Return a listener's context whose failed handshakes are counted."""

    class Counted(ssl.SSLObject):
        """One connection's TLS."""

        def do_handshake(self) -> None:
            """See `ssl.SSLObject.do_handshake`."""
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                strangers.count(_REASONS.get(error.reason or "", _OTHER))
                raise

    context.sslobject_class = Counted
    return context
