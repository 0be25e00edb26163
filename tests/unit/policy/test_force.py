"""Which policy may answer: the newest fact's, for a lease the one before it, never a revoked one."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from assay.contracts import Revocation, SignedFact, sha256_hex
from assay.errors import Unavailable
from assay.identity.enrol import policy_fact
from assay.ledger import Record
from assay.policy.force import InForce, NoPolicyInForce, StalePolicyAnswered

LEASE = 60


def revision(name: str) -> str:
    return sha256_hex(name.encode())


@dataclass
class Log:
    """Policy facts, as a follower gives them."""

    kept: list[Record] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def activate(self, name: str) -> Record:
        """Put a policy in force."""
        fact = policy_fact(
            revision=revision(name),
            bundle=revision(f"bundle {name}"),
            preview=revision("nothing"),
            tenant="demo",
            time=f"2026-01-01T00:00:{len(self.kept):02}Z",
        )
        self.kept.append(Record(len(self.kept), SignedFact(fact, "0" * 64, b"")))
        return self.kept[-1]

    def policy_revision(self) -> str:
        """See `Policies`."""
        if not self.kept or self.kept[-1].digest in self.gone:
            return ""
        return str(self.kept[-1].fact.body["revision"])

    def policy_fact(self) -> Record | None:
        """See `Policies`."""
        return self.kept[-1] if self.policy_revision() else None

    def revoked(self, digest: str) -> Revocation | None:
        """See `Policies`."""
        said = Revocation(revokes=digest, what="fact", reason="", by="")
        return said if digest in self.gone else None

    def force(self) -> InForce:
        """Return what a process of this log believes."""
        return InForce(self, lease_seconds=LEASE, monotonic=lambda: self.seconds)


@pytest.fixture
def log() -> Log:
    return Log()


def test_before_any_activation_nobody_is_allowed_anything(log: Log) -> None:
    with pytest.raises(NoPolicyInForce):
        log.force().require(revision("a"))


def test_the_policy_before_answers_for_a_lease_and_then_is_refused_by_name(log: Log) -> None:
    log.activate("a")
    force = log.force()
    force.require(revision("a"))
    force.apply(log.activate("b"))
    log.seconds = LEASE
    force.require(revision("a"))
    force.require(revision("b"))
    log.seconds = LEASE + 0.1
    with pytest.raises(StalePolicyAnswered, match="is in force since"):
        force.require(revision("a"))
    force.require(revision("b"))


def test_the_lease_begins_with_the_fact_and_not_with_the_first_question(log: Log) -> None:
    log.activate("a")
    force = log.force()
    force.require(revision("a"))
    force.apply(log.activate("b"))
    log.seconds = LEASE * 2
    with pytest.raises(StalePolicyAnswered):
        force.require(revision("a"))


def test_a_gate_is_judged_by_the_newest_alone(log: Log) -> None:
    log.activate("a")
    force = log.force()
    force.require(revision("a"), newest=True)
    force.apply(log.activate("b"))
    with pytest.raises(StalePolicyAnswered):
        force.require(revision("a"), newest=True)


def test_a_policy_that_no_fact_names_never_answers(log: Log) -> None:
    log.activate("a")
    force = log.force()
    for unnamed in ("c", ""):
        with pytest.raises(StalePolicyAnswered):
            force.require(revision(unnamed))


def test_rolling_back_without_a_fact_is_refused_and_with_one_is_not(log: Log) -> None:
    force = log.force()
    for name in ("a", "b", "c"):
        force.apply(log.activate(name))
    with pytest.raises(StalePolicyAnswered):
        force.require(revision("a"))
    force.apply(log.activate("a"))
    force.require(revision("a"))


def test_a_process_that_starts_late_knows_no_policy_but_the_newest(log: Log) -> None:
    log.activate("a")
    log.activate("b")
    force = log.force()
    for record in log.kept:
        force.apply(record)
    with pytest.raises(StalePolicyAnswered):
        force.require(revision("a"))


def test_a_revoked_policy_stops_at_once_whether_it_is_the_newest_or_the_one_before(log: Log) -> None:
    log.activate("a")
    force = log.force()
    force.require(revision("a"))
    force.apply(log.activate("b"))
    force.require(revision("a"))
    log.gone.add(log.kept[0].digest)
    with pytest.raises(StalePolicyAnswered):
        force.require(revision("a"))
    log.gone.add(log.kept[1].digest)
    for each in ("a", "b"):
        with pytest.raises(Unavailable):
            force.require(revision(each))
