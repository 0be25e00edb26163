"""Which policy may answer: the one that the newest fact names, and for a lease the one before it.

Whoever evaluates policy needs a moment to take up a newly activated one. What it allows meanwhile was allowed when
the moment began; past the lease it is refused by name. A revoked policy is never in force, not for a moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from assay.contracts import FactKind, PolicyActivated, Revocation, body_of
from assay.errors import Unavailable
from assay.ledger.record import Record


class StalePolicyAnswered(Unavailable):
    """Whoever evaluates policy is at another revision than the one in force, for longer than the lease."""

    fix = (
        "see `assay status`: the part that evaluates policy cannot load the bundle that the newest fact names"
    )


class NoPolicyInForce(Unavailable):
    """No policy was ever activated, or the newest one is revoked: nobody is allowed anything."""

    fix = "activate a policy; to replace a bad one activate the next before revoking it"


class Policies(Protocol):
    """What is known of policy facts: `assay.ledger.Follower`, or the ledger's own log."""

    def policy_revision(self) -> str:
        """Return the revision in force; "" before any and when the newest is revoked."""

    def policy_fact(self) -> Record | None:
        """Return the fact of the policy in force; None before any and when the newest is revoked."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a fact."""


@dataclass(frozen=True)
class Named:
    """What a policy fact names: its own digest and entry, the revision and the bundle (SHA-256 of its archive)."""

    fact: str
    revision: str
    bundle: str
    index: int


class InForce:
    """The policy in force, as one process knows it. A projection: subscribe it, so that a lease begins in time.

    `lease_seconds` is how long the policy before may still answer, by a clock that never steps.
    """

    def __init__(
        self, policies: Policies, *, lease_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._policies = policies
        self._lease = lease_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._now: Named | None = None
        self._before: Named | None = None
        self._since = 0.0
        self._next = 0

    def named(self) -> Named:
        """Return what the newest policy fact names; raises NoPolicyInForce."""
        revision = self._policies.policy_revision()
        if not revision:
            raise NoPolicyInForce("there is no policy in force")
        known = self._now
        if known is not None and known.revision == revision:
            return known
        return self.observe()

    def observe(self) -> Named:
        """Look at the newest fact itself, and begin the lease of the policy before when it is another.

        Raises:
            NoPolicyInForce: there is none, or it is revoked.
        """
        head = self._policies.policy_fact()
        if head is None:
            raise NoPolicyInForce("there is no policy in force")
        body = body_of(head.fact, PolicyActivated)
        found = Named(head.digest, body.revision, body.bundle, head.index)
        with self._lock:
            if self._now is None or self._now.fact != found.fact:
                self._before, self._now, self._since = self._now, found, self._monotonic()
        return found

    def require(self, revision: str, *, newest: bool = False) -> None:
        """Return when an answer by this revision counts; with `newest`, only that of the newest fact.

        Raises:
            NoPolicyInForce: none does.
            StalePolicyAnswered: another one is in force.
        """
        now = self.named()
        if revision == now.revision or (not newest and self._within_lease(revision)):
            return
        raise StalePolicyAnswered(
            f"policy {revision[:12]} answered, and {now.revision[:12]} is in force since"
            f" {self._monotonic() - self._since:.1f} s"
        )

    def applied(self) -> int:
        """Return the next index wanted (see `assay.ledger.Projection`)."""
        return self._next

    def apply(self, record: Record) -> None:
        """Begin the lease of the policy before, when this is a policy fact."""
        self._next = record.index + 1
        if record.kind is FactKind.POLICY and self._policies.policy_revision():
            self.observe()

    def _within_lease(self, revision: str) -> bool:
        before = self._before
        return (
            before is not None
            and before.revision == revision
            and self._monotonic() - self._since <= self._lease
            and self._policies.revoked(before.fact) is None
        )
