from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.contracts import PersonId
from services.identity.challenges import LIFETIME_SECONDS, Challenges
from services.identity.errors import ChallengeSpent

ADA, KEY = PersonId("p-ada"), "0" * 64


class Clock:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def challenges(clock: Clock) -> Challenges:
    return Challenges.to_log_in("assay.test", clock)


def test_a_challenge_is_accepted_until_it_ends_and_not_before_it_begins(
    challenges: Challenges, clock: Clock
) -> None:
    statement = challenges.issue(person=ADA, key=KEY)
    challenges.check(statement)
    for moved in (-1, LIFETIME_SECONDS, LIFETIME_SECONDS + 1):
        clock.now = 1_000_000.0 + moved
        with pytest.raises(ChallengeSpent):
            challenges.check(statement)


def test_a_challenge_of_another_process_or_domain_is_refused(challenges: Challenges, clock: Clock) -> None:
    for others in (Challenges.to_log_in("assay.test", clock), Challenges.to_log_in("other.test", clock)):
        with pytest.raises(ChallengeSpent):
            challenges.check(others.issue(person=ADA, key=KEY))


def test_of_many_at_once_one_spends_a_challenge(challenges: Challenges) -> None:
    statement = challenges.issue(person=ADA, key=KEY)

    def spent(_: int) -> bool:
        try:
            challenges.spend(statement)
        except ChallengeSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spent, range(32))) == 1


def test_asking_fills_no_memory_and_using_only_until_the_end(challenges: Challenges, clock: Clock) -> None:
    for _ in range(100):
        statement = challenges.issue(person=ADA, key=KEY)
    assert not challenges._spent
    challenges.spend(statement)
    clock.now += LIFETIME_SECONDS
    challenges.spend(challenges.issue(person=ADA, key=KEY))
    assert len(challenges._spent) == 1


@pytest.mark.parametrize(
    "statement", [{}, {"nonce": "AAAA"}, {"nonce": ["x"]}, {"nonce": "x" * 44, "key": KEY}]
)
def test_what_is_no_challenge_is_refused_by_name(
    challenges: Challenges, statement: dict[str, object]
) -> None:
    with pytest.raises(ChallengeSpent):
        challenges.check(statement)
