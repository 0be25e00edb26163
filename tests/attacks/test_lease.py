"""A revoked model must not go on answering because its judge is busy, held up or cannot judge."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.errors import Unavailable
from services.predictor.endpoint import Endpoint
from services.predictor.errors import NotJudged
from services.predictor.rollouts import Rollouts
from tests.integration.predictor.chain import Chain
from tests.integration.predictor.conftest import Served, answering, served
from tests.integration.predictor.models import logistic

__all__ = ["served"]
LEASE = 5.0
PATH = "/v2/models/credit-default/infer"
QUESTION = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.0, 0.0, 0.0]}]}


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chain(tmp_path: Path, clock: Clock) -> Iterator[Chain]:
    made = Chain(tmp_path)
    made.endpoint = Endpoint("prod", "credit", lease_seconds=LEASE, monotonic=clock)
    made.rollouts = Rollouts(made.world.follower, made, made.rollouts._load, made.endpoint)
    made.world.follower.subscribe(made.rollouts)
    yield made
    made.close()


@pytest.mark.threat("T-SIG-03")
def test_a_registry_that_answers_slowly_does_not_keep_a_revoked_model_alive(
    chain: Chain, clock: Clock
) -> None:
    one, two = chain.approved(), chain.approved((1.0, 1.0, 1.0))
    chain.roll_out(one)
    chain.rollouts.step()
    held, asked = threading.Event(), threading.Event()

    def hold(_path: str, body: bytes) -> bytes:
        asked.set()
        held.wait(20)
        return body

    chain.registry.tamper = hold
    chain.roll_out(two)
    judge = threading.Thread(target=chain.rollouts.step)
    judge.start()
    assert asked.wait(20)
    try:
        chain.world.revoke(one.record.digest)
        clock.now += LEASE + 1
        with pytest.raises(NotJudged):
            chain.endpoint.now()
    finally:
        held.set()
        judge.join()


@pytest.mark.threat("T-SIG-03")
def test_a_judge_that_cannot_judge_stops_the_answers_with_the_lease(
    chain: Chain, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = chain.approved()
    chain.roll_out(version)
    chain.rollouts.step()

    def down(_package: object) -> None:
        raise Unavailable("policy cannot be evaluated")

    monkeypatch.setattr(chain, "recheck", down)
    chain.world.revoke(version.record.digest)
    assert chain.rollouts.step() is False
    assert chain.endpoint.now().number == 1
    clock.now += LEASE + 1
    with pytest.raises(NotJudged):
        chain.endpoint.now()
    monkeypatch.undo()
    chain.rollouts.step()
    assert chain.endpoint.answering is None


@pytest.mark.control("T-SIG-03")
def test_what_was_judged_in_time_goes_on_answering(chain: Chain, clock: Clock) -> None:
    chain.roll_out(chain.approved())
    chain.rollouts.step()
    clock.now += 10 * LEASE
    chain.version((3.0, 3.0, 3.0))
    chain.rollouts.step()
    clock.now += 10 * LEASE
    assert chain.endpoint.now().number == 1


@pytest.mark.threat("T-SIG-03")
def test_a_fact_that_arrives_while_another_is_judged_still_waits(clock: Clock) -> None:
    endpoint = Endpoint("prod", "credit", lease_seconds=LEASE, monotonic=clock)
    endpoint.answer(answering(logistic((0.5, -1.0, 2.0))))
    endpoint.arrived()
    judged = endpoint.judging()
    endpoint.arrived()
    judged()
    clock.now += LEASE + 1
    with pytest.raises(NotJudged):
        endpoint.now()


@pytest.mark.parametrize("ends", ["lease", "chain"])
@pytest.mark.threat("T-SIG-03")
def test_an_answer_that_took_longer_than_the_lease_or_the_chain_never_leaves(
    served: Served, ends: str
) -> None:
    append = served.predictions._appends.append

    async def slow(draft: object) -> int:
        index = await append(draft)  # type: ignore[arg-type]
        if ends == "lease":
            served.known.stale = True
        else:
            served.endpoint.stop(Unavailable("revoked meanwhile"))
        return index

    served.predictions._appends.append = slow  # type: ignore[method-assign]
    assert served.client().post(PATH, json=QUESTION).status_code == 503


@pytest.mark.control("T-SIG-03")
def test_control_without_a_deadline_for_the_judge_what_is_revoked_goes_on(
    chain: Chain, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = chain.approved()
    chain.roll_out(version)
    chain.rollouts.step()
    monkeypatch.setattr(chain.endpoint, "_lease", float("inf"))

    def down(_package: object) -> None:
        raise Unavailable("policy cannot be evaluated")

    monkeypatch.setattr(chain, "recheck", down)
    chain.world.revoke(version.record.digest)
    chain.rollouts.step()
    clock.now += LEASE + 1
    assert chain.endpoint.now().number == 1
