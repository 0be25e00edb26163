"""An engine whose database user is lent by Vault: renewed, replaced before it ends, and given back.

New connections are made as the newest user. One made as an earlier user is closed when it is next taken from the
pool, so no statement fails; an earlier user is given back when its last connection was.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

import sqlalchemy as sa

from assay.errors import ServiceError
from assay.vault import LeasedUser

_LOG: Final = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 2.0
_USER: Final = "assay_user"


class Lender(Protocol):
    """Who lends users: `assay.vault.Vault`."""

    def database_user(self, role: str) -> LeasedUser:
        """Return a fresh user."""

    def renew_lease(self, lease: str, seconds: int) -> float:
        """Return for how many seconds more a lease counts."""

    def end_lease(self, lease: str) -> None:
        """End one."""


class LentUsers:
    """The user an engine connects as; `told` hears of each replacement. Close it after the engine's last use."""

    def __init__(self, lender: Lender, role: str, url: str, told: Callable[[], None] | None = None) -> None:
        self._lender = lender
        self._role = role
        self._told = told or (lambda: None)
        asked = time.monotonic()  # its lease ends no sooner than counted from here
        self._user = lender.database_user(role)
        self._ends = asked + self._user.seconds
        self._before: dict[str, LeasedUser] = {}  # name -> users that were replaced
        self._busy: Counter[str] = Counter()  # name -> connections in use
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._stop = threading.Event()
        self.engine = sa.create_engine(url, pool_pre_ping=True)
        sa.event.listen(self.engine, "do_connect", self._connect)
        sa.event.listen(self.engine, "checkout", self._taken)
        sa.event.listen(self.engine, "checkin", self._returned)
        self._thread = threading.Thread(target=self._keep, name="database user", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """The newest user's name."""
        return self._user.name

    @property
    def lease(self) -> str:
        """The newest user's lease at the lender."""
        return self._user.lease

    def replace(self) -> None:
        """Take a new user now: connections from here on are its own."""
        asked = time.monotonic()
        fresh = self._lender.database_user(self._role)
        with self._lock:
            self._before[self._user.name] = self._user
            self._user, self._ends = fresh, asked + fresh.seconds
        self._told()

    def close(self) -> None:
        """Close the connections and give every user back; a Vault that is down lets them run out."""
        self._stop.set()
        self._thread.join()
        self.engine.dispose()
        for user in (*self._before.values(), self._user):
            with suppress(ServiceError):
                self._lender.end_lease(user.lease)

    def _connect(self, _dialect: object, record: Any, _arguments: object, parameters: dict[str, Any]) -> None:  # noqa: ANN401 - SQLAlchemy's own
        with self._connecting:
            if time.monotonic() >= self._ends:  # the machine slept, or Vault was away: no use to try
                self.replace()
        user = self._user
        parameters |= {"user": user.name, "password": user.password}
        record.info[_USER] = user.name

    def _taken(self, _connection: object, record: Any, _proxy: object) -> None:  # noqa: ANN401 - SQLAlchemy's own
        name = record.info[_USER]
        with self._lock:
            if name != self._user.name:
                raise sa.exc.DisconnectionError(
                    f"{name} was replaced"
                )  # the pool connects anew, as the newest
            self._busy[name] += 1

    def _returned(self, _connection: object, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        with self._lock:
            self._busy[record.info[_USER]] -= 1

    def _keep(self) -> None:
        wait = self._user.seconds / 2
        while not self._stop.wait(wait):
            try:
                wait = self._renewed() / 2
            except ServiceError as refusal:
                _LOG.warning("the database user was neither renewed nor replaced: %s", refusal.detail)
                wait = min(_RETRY_SECONDS, self._user.seconds / 10)
            self._give_back()

    def _renewed(self) -> float:
        """Renew the lease, or replace the user where the lease will not be renewed for as long again, or at all."""
        user, asked = self._user, time.monotonic()
        try:
            gained = self._lender.renew_lease(user.lease, int(user.seconds))
        except ServiceError as refusal:
            _LOG.info("the database user's lease is not renewed: %s", refusal.detail)
            gained = 0.0
        if gained < user.seconds * 0.9:
            self.replace()
            return self._user.seconds
        self._ends = asked + gained
        return gained

    def _give_back(self) -> None:
        with self._lock:
            idle = [user for name, user in self._before.items() if self._busy[name] <= 0]
            for user in idle:
                del self._before[user.name]
        for user in idle:
            with suppress(ServiceError):
                self._lender.end_lease(user.lease)
