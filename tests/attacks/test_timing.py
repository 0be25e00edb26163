"""How long a refusal takes tells nobody how much of a secret was guessed: a statistic over thousands of refusals.

Guesses come in pairs, one wrong in its first character and one in its last, and both are refused; the sign test over
the processor's time each took says whether the two can be told apart. What else the machine does is in neither (it is
no time of this thread) or in both, and one guess it delayed counts as one, however long the delay. A comparison that
stops at the first difference gives a score that grows with the number of pairs; noise does not, so one round of three
below the bound is enough.
"""

from __future__ import annotations

import hmac
import random
import time
from collections.abc import Callable
from math import sqrt
from typing import Protocol

import pytest

from assay.contracts import PersonId
from assay.identity import base64url
from assay.pages import Sessions
from services.identity.challenges import Challenges
from services.identity.errors import ChallengeSpent

PAIRS = 2000  # in a round
ROUNDS = 3
TOLD_APART = 4.5  # from here on `dudect` speaks of a leak; noise stays below 3


class Guess(Protocol):
    """Makes an attempt at a secret that is wrong at its beginning or at its end, and so is refused."""

    def __call__(self, *, at_its_end: bool) -> Callable[[], object]:
        """Return the attempt."""


def score_of(guess: Guess) -> float:
    """Return by how many standard errors one class took longer in more pairs than a tossed coin would have it."""
    chance = random.Random(time.perf_counter_ns())  # noqa: S311 - which class comes first
    longer = pairs = 0
    for _ in range(PAIRS):
        took: dict[bool, int] = {}
        for at_its_end in chance.sample((False, True), 2):
            attempt = guess(at_its_end=at_its_end)
            began = time.thread_time_ns()
            attempt()
            took[at_its_end] = time.thread_time_ns() - began
        longer += took[True] > took[False]
        pairs += took[True] != took[False]
    return abs(2 * longer - pairs) / sqrt(pairs)


def told_apart(guess: Guess) -> bool:
    return all(score_of(guess) > TOLD_APART for _ in range(ROUNDS))


def flipped(secret: bytes, *, at_its_end: bool, of: int) -> bytes:
    """Return a secret with one bit wrong in the first or the last of its last `of` bytes."""
    place = len(secret) - (1 if at_its_end else of)
    return secret[:place] + bytes([secret[place] ^ 1]) + secret[place + 1 :]


def nonces() -> Guess:
    """Guess the MAC in a challenge's nonce: with it, anybody could make challenges."""
    challenges = Challenges.to_sign_in("assay.demo", "https://localhost:8443", time.time)

    def guess(*, at_its_end: bool) -> Callable[[], object]:
        said = challenges.issue()
        nonce = base64url.decode(said["nonce"], "nonce")
        bent = flipped(nonce, at_its_end=at_its_end, of=len(nonce) - 16)
        wrong = said | {"nonce": base64url.encode(bent)}

        def attempt() -> None:
            try:
                challenges.check(wrong)
            except ChallengeSpent:
                return
            pytest.fail("a wrong guess was taken")

        return attempt

    return guess


def cookies() -> Guess:
    """Guess a session's cookie."""
    sessions = Sessions()

    def guess(*, at_its_end: bool) -> Callable[[], object]:
        token, _ = sessions.begin(PersonId("p-1"), "credential")
        wrong = flipped(token.encode(), at_its_end=at_its_end, of=len(token)).decode()
        return lambda: sessions.find(wrong)

    return guess


@pytest.mark.threat("T-IAM-08")
@pytest.mark.parametrize("secret", [nonces, cookies])
def test_how_long_a_wrong_guess_takes_does_not_say_where_it_was_wrong(
    secret: Callable[[], Guess], attempts: Callable[[int], None]
) -> None:
    assert not told_apart(secret())
    attempts(2 * PAIRS)


def stopping(ours: bytes, given: bytes) -> bool:
    """Compare as `==` would, in steps that can be seen from here."""
    return len(ours) == len(given) and all(one == other for one, other in zip(ours, given, strict=True))


@pytest.mark.control("T-IAM-08")
def test_control_a_comparison_that_stops_at_the_first_difference_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hmac, "compare_digest", stopping)
    assert told_apart(nonces())
