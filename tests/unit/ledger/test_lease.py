"""A lease is a fresh checkpoint, by whichever clock says it is older."""

from __future__ import annotations

import pytest

from assay.errors import Stale
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.lease import Lease


class Clocks:
    """Wall time and monotonic time, moved by hand."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.steady = 50.0

    def pass_(self, seconds: float) -> None:
        """Let both clocks run."""
        self.wall += seconds
        self.steady += seconds

    def lease(self, seconds: float = 60) -> Lease:
        """Return a lease by these clocks."""
        return Lease(seconds, lambda: self.wall, lambda: self.steady)

    def checkpoint(self) -> Checkpoint:
        """Return one signed now."""
        return Checkpoint("log", 1, bytes(32), bytes(32), bytes(32), int(self.wall * 1000))


def test_a_lease_ends_with_its_seconds_and_begins_with_the_next_checkpoint() -> None:
    clocks = Clocks()
    lease = clocks.lease()
    with pytest.raises(Stale):
        lease.require()
    lease.renew(clocks.checkpoint())
    clocks.pass_(59)
    lease.require()
    clocks.pass_(2)
    with pytest.raises(Stale):
        lease.require()
    lease.renew(clocks.checkpoint())
    lease.require()


def test_the_same_checkpoint_again_renews_nothing() -> None:
    clocks = Clocks()
    lease, old = clocks.lease(), clocks.checkpoint()
    lease.renew(old)
    clocks.pass_(61)
    lease.renew(old)
    with pytest.raises(Stale):
        lease.require()


def test_a_checkpoint_that_arrives_old_is_old() -> None:
    clocks = Clocks()
    lease, old = clocks.lease(), clocks.checkpoint()
    clocks.pass_(50)
    lease.renew(old)
    lease.require()
    clocks.pass_(11)
    with pytest.raises(Stale):
        lease.require()


def test_a_wall_clock_set_back_does_not_prolong_a_lease() -> None:
    clocks = Clocks()
    lease = clocks.lease()
    lease.renew(clocks.checkpoint())
    clocks.pass_(61)
    clocks.wall -= 3600
    with pytest.raises(Stale):
        lease.require()


def test_a_machine_that_slept_is_stale_when_it_wakes() -> None:
    clocks = Clocks()
    lease = clocks.lease()
    lease.renew(clocks.checkpoint())
    clocks.wall += 61
    with pytest.raises(Stale):
        lease.require()
