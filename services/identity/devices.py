"""Logging in on a machine without a browser (RFC 8628): a code that a signed-in person confirms elsewhere.

Whoever asks names the key to certify. The page shows what they say their host is, the address they really asked
from and the key, because a person may be talked into confirming somebody else's machine.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from assay.identity.browser import AuthorizationPending
from assay.pages import Session
from services.identity.errors import OneTimeCodeRefused

LIFETIME_SECONDS: Final = 600
POLL_SECONDS: Final = 2
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no words; 34 bits in eight
_MOST: Final = 1_000


@dataclass(frozen=True)
class Asking:
    """A machine that waits. `session` is that of who confirmed it; None until then."""

    words: str  # XXXX-XXXX, what the person types or compares
    key: str
    host: str
    address: str
    expiry: float
    session: Session | None = field(default=None, repr=False)


class Devices:
    """Machines that wait to be confirmed; memory only. `clock` is in seconds, and never steps back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[str, Asking] = {}  # SHA-256 of the device code
        self._lock = threading.Lock()

    def ask(self, key: str, host: str, address: str) -> tuple[str, Asking]:
        """Return the device code, which the machine keeps, and what waits for a person."""
        code, now = secrets.token_urlsafe(32), self._clock()
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        asking = Asking(f"{letters[:4]}-{letters[4:]}", key, host, address, now + LIFETIME_SECONDS)
        with self._lock:
            self._waiting = {digest: one for digest, one in self._waiting.items() if one.expiry > now}
            if len(self._waiting) >= _MOST:
                raise OneTimeCodeRefused("too many machines wait already")
            self._waiting[_digest(code)] = asking
        return code, asking

    def shown(self, words: str) -> Asking:
        """Return the machine of a code that a person typed; raises OneTimeCodeRefused when none waits under it."""
        with self._lock:
            return self._find(words)[1]

    def decide(self, words: str, session: Session, *, allow: bool) -> None:
        """Let the person of a session have the machine's key certified, or send it away."""
        with self._lock:
            digest, asking = self._find(words)
            if allow:
                self._waiting[digest] = replace(asking, session=session)
            else:
                del self._waiting[digest]

    def collect(self, code: str, key: str) -> Session:
        """Return who confirmed a machine, once.

        Raises:
            AuthorizationPending: nobody has yet.
            OneTimeCodeRefused: unknown, ended, sent away, collected before, or another key than was shown.
        """
        with self._lock:
            asking = self._waiting.get(_digest(code))
            if asking is None or asking.expiry <= self._clock() or asking.key != key:
                raise OneTimeCodeRefused("the code is not ours, was used, was refused, or has ended")
            if asking.session is None:
                raise AuthorizationPending(f"nobody has confirmed {asking.words} yet")
            del self._waiting[_digest(code)]
        return asking.session

    def _find(self, words: str) -> tuple[str, Asking]:
        wanted = "".join(each for each in words.upper() if each.isalpha())
        for digest, one in self._waiting.items():
            open_ = one.session is None and one.expiry > self._clock()
            if open_ and secrets.compare_digest(one.words.replace("-", "").encode(), wanted.encode()):
                return digest, one
        raise OneTimeCodeRefused(
            "no machine waits under this code", fix="compare it with what the command shows"
        )


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
