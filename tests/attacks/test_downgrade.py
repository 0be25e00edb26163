"""Back to an old, signed, once approved version that was taken out: nobody gets an endpoint there.

Version 1 answered, version 2 took over, version 1 was taken out. The attackers then may do what serving may (its use
cases, its key), hand out other bytes as the registry, or say an old rollout again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest

from assay.contracts import Environment, FactKind
from assay.errors import ServiceError
from assay.ledger import Record
from services.serving.usecases import Wanted
from tests.integration.predictor.chain import Chain, Registered
from tests.integration.serving.test_endpoints import Serving
from tests.unit.custody.world import MODEL


@dataclass
class Moved:
    """An endpoint that went from version 1 to version 2."""

    serving: Serving
    old: Registered
    new: Registered
    approvals: list[Record]
    rollout: Record  # of the old version

    @property
    def chain(self) -> Chain:
        """The facts, and the predictor."""
        return self.serving.chain

    def answers_with_the_old(self) -> bool:
        """Let the predictor follow; say whether version 1's bytes answer."""
        for _ in range(2):
            self.chain.rollouts.step()
        answering = self.chain.endpoint.answering
        return answering is not None and answering.package.files == self.old.files


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Moved]:
    serving = Serving(tmp_path)
    chain = serving.chain
    old = chain.version()
    approvals = chain.approve(old)
    serving.roll_out(Wanted(MODEL, 1))
    head = chain.world.follower.head("endpoint/prod/credit")
    assert head is not None
    new = chain.approved((1.0, 1.0, 1.0))
    serving.roll_out(Wanted(MODEL, 2))
    made = Moved(serving, old, new, approvals, head)
    assert not made.answers_with_the_old()
    yield made
    chain.close()


def evaluation_of(moved: Moved) -> Record:
    (found,) = moved.chain.world.follower.records(FactKind.EVALUATION, f"evaluation/{moved.old.package}")
    return found


WAYS_OUT: dict[str, Callable[[Moved], object]] = {
    "it was revoked": lambda m: m.chain.world.revoke(m.old.record.digest),
    "its run was revoked": lambda m: m.chain.world.revoke(m.old.record.fact.body["run"]),
    "its evaluation was revoked": lambda m: m.chain.world.revoke(evaluation_of(m).digest),
    "an approval of it was revoked": lambda m: m.chain.world.revoke(m.approvals[0].digest),
}


def moving_an_alias(moved: Moved) -> None:
    body: dict[str, object] = {
        "model": MODEL,
        "alias": "champion",
        "number": 1,
        "version": moved.old.record.digest,
    }
    stands: dict[str, object] = {
        "approvals": [one.digest for one in moved.approvals],
        "evidence": [],
        "policy": "0" * 64,
    }
    about = f"alias/prod/{MODEL}@champion"
    moved.chain.world.say(FactKind.ALIAS, about, body | stands, environment=Environment.PROD)
    moved.serving.roll_out(Wanted(MODEL, alias="champion"))


def saying_the_old_rollout_again(moved: Moved) -> None:
    world = moved.chain.world
    head = world.follower.head(moved.rollout.about)
    assert head is not None
    again = replace(moved.rollout.fact, previous=head.digest, time=world.time(), _payload=None)
    world.log.append(again)
    world.follower.catch_up()


def saying_it_of_the_new_version(moved: Moved) -> None:
    """Name the new version and the old package in one rollout."""
    body = dict(moved.rollout.fact.body) | {"version": moved.new.record.digest, "number": 2}
    moved.chain.world.say(FactKind.ROLLOUT, moved.rollout.about, body, environment=Environment.PROD)


WAYS_BACK: dict[str, Callable[[Moved], object]] = {
    "rolling back": lambda m: m.serving.roll_back(),
    "rolling out by number": lambda m: m.serving.roll_out(Wanted(MODEL, 1)),
    "moving an alias there": moving_an_alias,
    "saying the old rollout again with serving's key": saying_the_old_rollout_again,
    "naming the old package beside the new version": saying_it_of_the_new_version,
}


def gets_back(moved: Moved, way_back: Callable[[Moved], object]) -> bool:
    with suppress(ServiceError):
        way_back(moved)
    return moved.answers_with_the_old()


@pytest.mark.threat("T-SIG-06")
@pytest.mark.parametrize("way_back", WAYS_BACK.values(), ids=WAYS_BACK.keys())
@pytest.mark.parametrize("way_out", WAYS_OUT.values(), ids=WAYS_OUT.keys())
def test_nobody_goes_back_to_a_version_that_was_taken_out(
    moved: Moved, way_out: Callable[[Moved], object], way_back: Callable[[Moved], object]
) -> None:
    way_out(moved)
    assert not gets_back(moved, way_back)


@pytest.mark.threat("T-SIG-06")
def test_old_bytes_under_the_new_versions_name_never_answer(moved: Moved) -> None:
    moved.chain.registry.held[moved.new.package] = moved.old
    assert not gets_back(moved, lambda m: m.chain.roll_out(m.new))


@pytest.mark.control("T-SIG-06")
@pytest.mark.parametrize(
    "name", ["rolling back", "rolling out by number", "saying the old rollout again with serving's key"]
)
def test_control_a_version_that_still_stands_is_gone_back_to(moved: Moved, name: str) -> None:
    assert gets_back(moved, WAYS_BACK[name])


@pytest.mark.control("T-SIG-06")
def test_control_where_nobody_asks_what_was_revoked_the_old_version_comes_back(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("assay.custody.judging"), "require_unrevoked", lambda *_: None)
    moved.chain.world.revoke(moved.old.record.digest)
    assert gets_back(moved, WAYS_BACK["rolling out by number"])
