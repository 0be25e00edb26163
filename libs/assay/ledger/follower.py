"""Following the log: every entry verified, kept in memory, and replayed into projections."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from assay.contracts import CredentialBound, FactKind, Revocation
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.record import Record
from assay.ledger.root import Root


class Log(Protocol):
    """What following needs of a ledger; `LedgerClient` is one."""

    @property
    def acknowledged(self) -> int:
        """The size the log has at least."""

    def checkpoint(self) -> Checkpoint:
        """Return the newest checkpoint, consistent with every one seen before."""

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """Return entries in order."""


class Projection(Protocol):
    """Tables that are made of facts."""

    def applied(self) -> int:
        """Return the next index wanted: 0 for a new database."""

    def apply(self, record: Record) -> None:
        """Take one record, of any kind, and say durably that the next is wanted, in one transaction."""


class Follower:
    """The verified log in memory. `start()` polls in a thread; `catch_up()` alone serves a command.

    `clock` is wall time and `monotonic` a clock that never steps, both in seconds.
    """

    def __init__(
        self,
        ledger: Log,
        root: Root,
        *,
        lease_seconds: float,
        poll_seconds: float = 0.2,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Catch up once, then keep following in a thread; raises what catching up raises."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop the thread."""
        raise NotImplementedError

    def catch_up(self) -> int:
        """Follow to the newest checkpoint, which covers everything this process appended; return the size."""
        raise NotImplementedError

    def fresh(self) -> None:
        """Return while the newest checkpoint is younger than the lease; raises Stale, or LogForked for good."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The number of entries followed."""
        raise NotImplementedError

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""
        raise NotImplementedError

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""
        raise NotImplementedError

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""
        raise NotImplementedError

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        raise NotImplementedError

    def roles(self, person: str) -> frozenset[str]:
        """Return the roles a person holds."""
        raise NotImplementedError

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's bound credential, unless it or the person is revoked."""
        raise NotImplementedError

    def policy_revision(self) -> str:
        """Return the revision of the policy in force; "" before any."""
        raise NotImplementedError

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint followed to; raises Stale before the first."""
        raise NotImplementedError

    def subscribe(self, projection: Projection) -> None:
        """Replay from `projection.applied()` now, and apply every later record in order."""
        raise NotImplementedError
