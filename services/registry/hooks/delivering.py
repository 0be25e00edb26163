"""Telling every hook what happened: at least once, in the ledger's order, apart from any request.

How far a hook was told stands in the database, so a restart goes on there. A try that fails is repeated after
2, 4, 8 … seconds, at most an hour; after `TRIES` in a row the hook is disabled and keeps its place until a test of it
goes well. What is later in the order waits: nothing is skipped.
"""

from __future__ import annotations

import bisect
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from assay.custody import read_provenance
from assay.errors import ServiceError, Unavailable
from assay.ledger import Record
from services.registry.hooks.domain import Hook, event_of, name_of
from services.registry.hooks.errors import Undelivered
from services.registry.hooks.ports import Hooks
from services.registry.hooks.sending import Sending

TRIES: Final = 16  # over about five hours
LONGEST_SECONDS: Final = 3600.0
_AT_ONCE: Final = 4
_AT_A_TURN: Final = 50
_log = logging.getLogger(__name__)


class Happened:
    """A projection: every fact of one tenant that somebody may be told of, in memory."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._next = 0
        self._indices: list[int] = []
        self._told: list[tuple[str, Record]] = []

    def applied(self) -> int:
        """Return the next ledger index wanted."""
        return self._next

    def apply(self, record: Record) -> None:
        """Take one record, of any kind."""
        name = name_of(record) if record.fact.tenant == self._tenant else None
        if name is not None:
            self._told.append((name, record))
            self._indices.append(record.index)  # after it: whoever reads an index finds its record
        self._next = record.index + 1

    def after(self, position: int, events: tuple[str, ...], most: int) -> list[Record]:
        """Return the next facts with these events, from a ledger index on."""
        found: list[Record] = []
        for place in range(bisect.bisect_left(self._indices, position), len(self._indices)):
            name, record = self._told[place]
            if name in events:
                found.append(record)
                if len(found) == most:
                    break
        return found

    def waits(self, hook: Hook) -> bool:
        """Whether a hook has not been told of something yet."""
        return bool(self.after(hook.position, hook.events, 1))


class Delivering:
    """Tells the hooks; `log` gives runs' facts, `clock` is wall time in seconds."""

    def __init__(
        self,
        hooks: Hooks,
        happened: Happened,
        sending: Sending,
        *,
        run_of: Callable[[str], Record | None],
        clock: Callable[[], float],
        poll_seconds: float = 0.5,
    ) -> None:
        self._hooks = hooks
        self._happened = happened
        self._sending = sending
        self._run_of = run_of
        self._clock = clock
        self._poll = poll_seconds
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End after the tries that are under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()

    def turn(self) -> None:
        """Send every hook that is due what waits for it."""
        due = [one for one in self._hooks.all() if not one.disabled and one.retry_at <= self._clock()]
        list(self._pool.map(self._tell, due))

    def _tell(self, hook: Hook) -> None:
        for record in self._happened.after(hook.position, hook.events, _AT_A_TURN):
            if self._stop.is_set() or not self._still(hook):
                return
            try:
                self._sending.send(hook, event_of(record, self._mlflow_run))
            except ServiceError as refusal:
                self._failed(hook, refusal)
                return
            self._hooks.told(hook, record.index + 1)
            hook = replace(hook, failures=0)

    def _still(self, hook: Hook) -> bool:
        """Whether a hook is as it was when its turn began: nobody removed, disabled or changed it."""
        now = self._hooks.get(hook.id)
        same = now is not None and (now.url, now.sealed, now.events) == (hook.url, hook.sealed, hook.events)
        return same and now is not None and not now.disabled

    def _failed(self, hook: Hook, refusal: ServiceError) -> None:
        """Note a failed try; one that is Vault's or the database's doing is none of the receiver's."""
        ours = isinstance(refusal, Unavailable) and not isinstance(refusal, Undelivered)
        failures = hook.failures if ours else hook.failures + 1
        retry_at = self._clock() + min(2.0 ** max(failures, 1), LONGEST_SECONDS)
        why = f"{type(refusal).__name__}: {refusal.detail}"[:200]
        _log.warning("webhook %s: try %d failed: %s", hook.name, failures, why)
        disabled = failures >= TRIES
        self._hooks.failed(hook, why, retry_at=retry_at, failures=failures, disabled=disabled)

    def _mlflow_run(self, run: str) -> str:
        record = self._run_of(run)
        return read_provenance(record.fact).mlflow_run if record else ""

    def _run(self) -> None:
        while not self._stop.wait(self._poll):
            try:
                self.turn()
            except ServiceError as refusal:
                _log.warning("webhooks: %s: %s; %s", type(refusal).__name__, refusal.detail, refusal.fix)
            except Exception as error:  # noqa: BLE001 - the thread's edge: the next turn tries again
                _log.warning("webhooks: %s", type(error).__name__)
