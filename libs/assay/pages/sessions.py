"""Sessions of people: kept here, named in the browser by a random cookie that means nothing by itself.

A session ends after a while without a request, at a fixed time, when its person signs out or is revoked, and
with the process: it is memory only. Its token is never kept, only the token's SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from assay.contracts import PersonId

IDLE_SECONDS: Final = 30 * 60
LONGEST_SECONDS: Final = 8 * 3600
_MOST_OF_A_PERSON: Final = 20
_AGENT_LENGTH: Final = 200


@dataclass(frozen=True)
class Session:
    """A signed-in person. `handle` names it in lists and opens nothing; times in seconds since 1970.

    `credential_id` is the passkey it was made with: when that is revoked, the session ends. `grant` is what its person
    lent to this service for other services' routes by signing in; empty where a service is lent nothing.
    """

    handle: str
    person: PersonId
    credential_id: str
    authenticated_at: float
    began: float
    seen: float
    agent: str
    csrf: str = field(repr=False)
    grant: str = field(default="", repr=False)


class Sessions:
    """Every session of one listener; `clock` is in seconds since 1970."""

    def __init__(
        self,
        *,
        idle_seconds: float = IDLE_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._idle = idle_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._kept: dict[str, Session] = {}  # SHA-256 of the token -> session
        self._lock = threading.Lock()

    def begin(
        self,
        person: PersonId,
        credential_id: str,
        *,
        agent: str = "",
        authenticated_at: float | None = None,
        grant: str = "",
    ) -> tuple[str, Session]:
        """Return a fresh token and its session; beyond twenty of a person, the one unseen longest ends.

        `agent` is what the browser says it is; `authenticated_at` is when the passkey was used (now, unless
        another service saw it).
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        at = now if authenticated_at is None else authenticated_at
        session = Session(
            handle=secrets.token_hex(8),
            person=person,
            credential_id=credential_id,
            authenticated_at=at,
            began=now,
            seen=now,
            agent=agent[:_AGENT_LENGTH],
            csrf=secrets.token_urlsafe(32),
            grant=grant,
        )
        with self._lock:
            self._forget(now)
            mine = sorted((one.seen, key) for key, one in self._kept.items() if one.person == person)
            for _, key in mine[: max(0, len(mine) - _MOST_OF_A_PERSON + 1)]:
                del self._kept[key]
            self._kept[_digest(token)] = session
        return token, session

    def find(self, token: str) -> Session | None:
        """Return the session of a token, seen now; None when it has ended or there never was one."""
        now = self._clock()
        with self._lock:
            key = _digest(token)
            session = self._kept.get(key)
            if session is None or not self._lives(session, now):
                self._kept.pop(key, None)
                return None
            self._kept[key] = replace(session, seen=now)
            return self._kept[key]

    def of(self, person: str) -> list[Session]:
        """Return a person's sessions, the one seen last first."""
        now = self._clock()
        with self._lock:
            mine = [one for one in self._kept.values() if one.person == person and self._lives(one, now)]
        return sorted(mine, key=lambda one: one.seen, reverse=True)

    def end(self, person: str, handle: str | None = None) -> int:
        """End a person's session of that handle, or all of them; return how many ended."""
        with self._lock:
            gone = [
                key
                for key, one in self._kept.items()
                if one.person == person and handle in {None, one.handle}
            ]
            for key in gone:
                del self._kept[key]
        return len(gone)

    def _lives(self, session: Session, now: float) -> bool:
        return now < session.began + self._longest and now < session.seen + self._idle

    def _forget(self, now: float) -> None:
        self._kept = {key: one for key, one in self._kept.items() if self._lives(one, now)}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
