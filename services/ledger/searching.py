"""Searching the log: an index of who, what, about what and when, made from the entries and never believed alone.

What the index names is read again from the log before it is shown, so an edited index can hide an entry and show
none that is not there. Who must know that nothing is hidden follows the log itself.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from assay.contracts import FactKind
from assay.errors import SignatureInvalid
from assay.journal import named_in
from assay.ledger import Record, Root
from services.ledger.errors import SearchIndexEdited

PAGE: Final = 500
EVERY_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """What an entry is found by; `time_ms` is the fact's own word, milliseconds since 1970, 0 when it is none."""

    time_ms: int
    kind: str
    about: str
    tenant: str
    digest: str
    subjects: frozenset[str]


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None is not asked. `subject` is a person's id or an identity."""

    subject: str | None = None
    kind: FactKind | None = None
    about: str | None = None
    about_prefix: str = ""
    tenant: str | None = None
    since_ms: int | None = None  # counts in
    until_ms: int | None = None  # does not
    start: int = 0
    limit: int = 100

    def has(self, terms: Terms) -> bool:
        """Say whether an entry is one of these."""
        return (
            (self.subject is None or self.subject in terms.subjects)
            and self.kind in {None, terms.kind}
            and self.about in {None, terms.about}
            and terms.about.startswith(self.about_prefix)
            and self.tenant in {None, terms.tenant}
            and (self.since_ms is None or terms.time_ms >= self.since_ms)
            and (self.until_ms is None or terms.time_ms < self.until_ms)
        )


class Index(Protocol):
    """Tables made from the entries."""

    def applied(self) -> int:
        """Return the next entry wanted."""

    def last(self) -> str | None:
        """Return the digest of the last entry taken."""

    def clear(self) -> None:
        """Forget everything."""

    def take(self, terms: Sequence[Terms], first: int) -> None:
        """File entries from `first` on, in one transaction."""

    def find(self, wanted: Wanted) -> list[int]:
        """Return the indexes of entries, in log order."""


class Log(Protocol):
    """What searching needs of the log."""

    @property
    def root(self) -> Root:
        """The trust root."""

    def entry(self, index: int) -> Record:
        """Return an entry; raises NotFound."""

    def entries(self, start: int, limit: int) -> list[Record]:
        """Return durable entries in order."""


class Searching:
    """Searches a log through its index; `start` keeps the index up in a thread."""

    def __init__(self, log: Log, index: Index) -> None:
        self._log = log
        self._index = index
        self._indexing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="search index", daemon=True)
        self._refuse_another_logs()

    def start(self) -> None:
        """Keep the index up in the background, so that no search has much to catch up with."""
        self._thread.start()

    def close(self) -> None:
        """Stop keeping up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def catch_up(self) -> int:
        """Index what the log holds by now; return how many entries that are."""
        with self._indexing:
            while page := self._log.entries(applied := self._index.applied(), PAGE):
                self._index.take([terms_of(record, self._log.root) for record in page], applied)
                if self._stop.is_set():
                    break
            return self._index.applied()

    def search(self, wanted: Wanted) -> dict[str, Any]:
        """Return summaries of the entries wanted, in log order; `next` is where to go on, None at the end."""
        size = self.catch_up()
        found = self._index.find(wanted)
        shown = [self._shown(self._log.entry(index), wanted) for index in found]
        more = len(found) == wanted.limit
        return {"facts": shown, "next": found[-1] + 1 if more else None, "size": size}

    def _shown(self, record: Record, wanted: Wanted) -> dict[str, Any]:
        terms = terms_of(record, self._log.root)
        if not wanted.has(terms):
            raise SearchIndexEdited(f"the search index files entry {record.index} as what it is not")
        fact = record.fact
        return {
            "index": record.index,
            "digest": record.digest,
            "kind": record.kind.value,
            "about": record.about,
            "environment": fact.environment.value if fact.environment else None,
            "tenant": fact.tenant,
            "previous": fact.previous,
            "time": fact.time,
            "subjects": sorted(terms.subjects),
        }

    def _refuse_another_logs(self) -> None:
        """An index of another log, or of one that went on differently, is made again."""
        applied = self._index.applied()
        if applied == 0:
            return
        there = self._log.entries(applied - 1, 1)
        if not there or there[0].digest != self._index.last():
            self._index.clear()

    def _keep_up(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.catch_up()
            except Exception as error:  # noqa: BLE001 - the thread's edge: a search says what is wrong
                _log.warning("the search index is behind: %r", error)


def terms_of(record: Record, root: Root) -> Terms:
    """Return what an entry is found by: its header, whom its body names, and whose key signed it."""
    fact = record.fact
    subjects = named_in(fact.body)
    with contextlib.suppress(SignatureInvalid):  # an older root's key: the entry was admitted under it
        subjects.add(root.signer_for(fact, record.signed.keyid).identity)
    return Terms(
        _ms(fact.time), record.kind.value, record.about, fact.tenant, record.digest, frozenset(subjects)
    )


def _ms(time: str) -> int:
    try:
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    except ValueError:
        return 0
