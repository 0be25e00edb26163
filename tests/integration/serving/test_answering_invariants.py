"""Invariants of answering as a machine of states: rollouts, leases and tenants, in whatever order things happen.

The machine drives the real serving, predictor, follower, custody and rules; the clock is the test's. Beside it runs a
small model of what stands. After every step: what answers is what the newest rollout that could be taken says, it
stands or went out less than a lease ago, and nobody of another tenant brought anything about.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import FactKind, Rollout, body_of
from assay.errors import ServiceError, Unavailable
from assay.ledger import Follower
from assay.ledger.lease import Lease
from services.predictor.adapters.custody import RegistryCustody
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.endpoint import Endpoint
from services.predictor.rollouts import Rollouts
from services.serving.usecases import Endpoints, Wanted
from tests.integration.predictor.chain import Registered
from tests.integration.serving.test_endpoints import PROD, Serving
from tests.unit.custody.world import MODEL, World

LEASE = 5.0
WALKS, STEPS = 8, 24
NUMBERS = (1, 2)
APPROVERS = ("amir", "bea")


class Away:
    """The log as the predictor sees it: gone while `away`."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - the world's
        self._log = log
        self.away = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the log's
        if self.away and name != "acknowledged":
            raise Unavailable("the ledger does not answer")
        return getattr(self._log, name)


@dataclass
class Truth:
    """What stands: the whole truth of this small world."""

    approvals: dict[tuple[int, str], str] = field(
        default_factory=dict
    )  # version, who -> the approval in force
    gone: set[str] = field(default_factory=set)  # facts that were revoked
    stopped: dict[int, float] = field(default_factory=dict)  # rollout's index -> when it ceased to stand


class Answering:
    """One endpoint in prod, two approved versions of one model."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.serving = Serving(self.folder)
        self.world: World = self.serving.chain.world
        self.time = 0.0
        self.log = Away(self.world.log)
        self.follower = Follower(self.log, self.world.root, lease_seconds=LEASE, monotonic=lambda: self.time)
        self.endpoint = Endpoint("prod", "credit", lease_seconds=LEASE, monotonic=lambda: self.time)
        chain = self.serving.chain
        custody = RegistryCustody(
            chain.http, self.follower, self.world.root, self.world.policy, now_ns=self.world.now_ns
        )
        self.rollouts = Rollouts(self.follower, custody, OnnxModel, self.endpoint)
        self.follower.subscribe(self.rollouts)
        self.truth = Truth()
        self.versions: dict[int, Registered] = {}
        for number, weights in zip(NUMBERS, ((0.5, -1.0, 2.0), (1.0, 1.0, 1.0)), strict=True):
            self.versions[number] = chain.version(weights)
            for name in APPROVERS:
                self.approve(name, number)
        self.look()

    def close(self) -> None:
        """Remove the world."""
        self.serving.chain.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what happens

    def approve(self, name: str, number: int) -> None:
        """Say yes, again where it was taken back."""
        if (number, name) in self.truth.approvals or self.versions[number].record.digest in self.truth.gone:
            return
        version = self.versions[number]
        judged = self.world.judge(version.record, version.files)
        self.truth.approvals[number, name] = self.world.approve(judged, name).digest

    def revoke_approval(self, name: str, number: int) -> None:
        """Revoke what somebody said; they may say it anew."""
        if fact := self.truth.approvals.pop((number, name), None):
            self._revoke(fact)

    def revoke_version(self, number: int) -> None:
        """Take a version out for good."""
        self._revoke(self.versions[number].record.digest)

    def roll_out(self, number: int) -> None:
        """Ask serving for it; its rules decide."""
        with suppress(ServiceError):
            self.endpoints.roll_out(PROD, Wanted(MODEL, number), "a test", by=self.serving.dana)
        self.note()

    def roll_back(self) -> None:
        """Ask serving to go back."""
        with suppress(ServiceError):
            self.endpoints.roll_back(PROD, "a test", by=self.serving.dana)
        self.note()

    def say_a_rollout(self, number: int) -> None:
        """Say a rollout with serving's own key, whatever its rules say: it names the approvals there are."""
        version = self.versions[number]
        with suppress(ServiceError):
            self.world.rollout(self.world.judge(version.record, version.files))
        self.note()

    def a_stranger_tries(self, number: int) -> None:
        """Of another tenant, with every role there: nothing comes of it."""
        before = self.world.log.acknowledged
        roles = frozenset({"administrator", "approver", "operator", "data-scientist"})
        stranger = replace(self.serving.dana, tenant="other", platform=False, roles=roles)
        with suppress(ServiceError):
            self.endpoints.roll_out(PROD, Wanted(MODEL, number), "mine now", by=stranger)
        with suppress(ServiceError):
            self.endpoints.roll_back(PROD, "mine now", by=stranger)
        assert self.world.log.acknowledged == before, "somebody of another tenant brought something about"

    def let_time_pass(self, seconds: float) -> None:
        """Let a moment pass; whoever can look, looks meanwhile."""
        self.time += seconds
        self.look()

    def look(self) -> None:
        """Follow the log and judge, as far as anybody answers."""
        with suppress(ServiceError):
            self.follower.catch_up()
        self.rollouts.step()

    def note(self) -> None:
        """Write down what ceased to stand just now."""
        for index, rollout in self._rollouts():
            if index not in self.truth.stopped and not self._stands(rollout):
                self.truth.stopped[index] = self.time

    # ---- what is always so

    def what_answers_was_said_and_stands_or_stood_a_lease_ago(self) -> None:
        """Whoever asks now gets an answer of a rollout that stands, or ceased to within the lease."""
        if (answered := self.answers()) is None:
            return
        said = {record.digest: index for index, record in enumerate(self._records())}
        stopped = self.truth.stopped.get(said[answered])
        assert stopped is None or self.time - stopped <= LEASE, "it answers with what was taken out"

    def who_can_look_answers_with_the_newest_rollout_that_stands(self) -> None:
        """With everything there: the newest rollout answers when it stands, and nothing that does not stand."""
        if self.log.away or self.serving.chain.registry.down:
            return
        self.look()
        records = self._records()
        answered = self.answers()
        if records and self._stands(body_of(records[-1].fact, Rollout)):
            assert answered == records[-1].digest
        elif answered is not None:
            (rollout,) = [body_of(one.fact, Rollout) for one in records if one.digest == answered]
            assert self._stands(rollout)

    def answers(self) -> str | None:
        """Return the rollout that answers now, as the hot path decides it."""
        try:
            self.follower.fresh()
            return self.endpoint.now().rollout
        except ServiceError:
            return None

    @property
    def endpoints(self) -> Endpoints:
        """Serving; its control plane is not what is tried here."""
        return replace(self.serving.endpoints, predictors=Settled(), control=Settled())

    def _revoke(self, fact: str) -> None:
        if fact not in self.truth.gone:
            self.world.revoke(fact)
            self.truth.gone.add(fact)
            self.note()

    def _records(self) -> list[Any]:
        return self.world.follower.records(FactKind.ROLLOUT)

    def _rollouts(self) -> list[tuple[int, Rollout]]:
        return [(index, body_of(one.fact, Rollout)) for index, one in enumerate(self._records())]

    def _stands(self, rollout: Rollout) -> bool:
        listed = len(set(rollout.approvals)) >= len(APPROVERS)
        return listed and not self.truth.gone & {rollout.version, *rollout.approvals}


class Settled:
    """A control plane and predictors that say yes to everything."""

    def ensure(self, place: object) -> None:
        """Take no notice."""

    def url(self, place: object) -> None:
        """Say nothing."""

    def close(self) -> None:
        """End nothing."""

    def state(self, place: object) -> dict[str, Any]:  # noqa: ARG002 - the port's
        """Say that nothing answers."""
        return {"rollout": None, "state": "stopped", "failure": None, "reason": None}

    def settled(self, place: object, rollout: str) -> dict[str, Any]:  # noqa: ARG002 - the port's
        """Say that it was taken."""
        return {"rollout": rollout, "state": "answering", "failure": None, "reason": None}


def step(machine: Answering, chance: random.Random) -> None:
    """Let one thing happen."""
    name, number = chance.choice(APPROVERS), chance.choice(NUMBERS)
    done: dict[str, tuple[int, Callable[[], object]]] = {
        "roll out": (6, lambda: machine.roll_out(number)),
        "roll back": (3, machine.roll_back),
        "say": (3, lambda: machine.say_a_rollout(number)),
        "approve": (3, lambda: machine.approve(name, number)),
        "revoke approval": (3, lambda: machine.revoke_approval(name, number)),
        "revoke version": (1, lambda: machine.revoke_version(number)),
        "stranger": (2, lambda: machine.a_stranger_tries(number)),
        "time": (5, lambda: machine.let_time_pass(chance.choice((0.5, 2.0, LEASE + 1)))),
        "ledger": (3, lambda: setattr(machine.log, "away", not machine.log.away)),
        "registry": (2, lambda: toggled(machine)),
    }
    weights = [weight for weight, _ in done.values()]
    (chosen,) = chance.choices([what for _, what in done.values()], weights)
    chosen()


def toggled(machine: Answering) -> None:
    registry = machine.serving.chain.registry
    registry.down = not registry.down


def explore(walks: int = WALKS) -> tuple[int, int]:
    """Walk many ways, the same ones in every run; return how often something answered, and how often nothing."""
    answered = silent = 0
    for seed in range(walks):
        machine, chance = Answering(), random.Random(seed)  # noqa: S311 - the same in every run
        try:
            for _ in range(STEPS):
                step(machine, chance)
                machine.what_answers_was_said_and_stands_or_stood_a_lease_ago()
                machine.who_can_look_answers_with_the_newest_rollout_that_stands()
                answered += machine.answers() is not None
                silent += machine.answers() is None
        finally:
            machine.close()
    return answered, silent


def test_whatever_happens_only_what_stands_answers_and_never_longer_than_a_lease_otherwise() -> None:
    answered, silent = explore()
    assert answered > WALKS
    assert silent > WALKS


def leases_last_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lease, "require", lambda *_: None)
    patch.setattr(Endpoint, "arrived", lambda *_: None)


def nobody_looks_at_revocations(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("assay.custody.judging"), "require_unrevoked", lambda *_: None)
    patch.setattr(import_module("assay.custody.approvals"), "_stands", lambda *_: None)


def what_answers_is_not_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rollouts, "_recheck", lambda *_: None)


def any_tenant_may(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("assay.policy.wasm").OpaWasm, "require", lambda *_, **__: None)


@pytest.mark.parametrize(
    "break_",
    [
        leases_last_for_ever,
        nobody_looks_at_revocations,
        what_answers_is_not_judged_again,
        any_tenant_may,
    ],
)
def test_a_check_that_is_broken_on_purpose_is_found(
    break_: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_(monkeypatch)
    with pytest.raises(AssertionError):
        explore()
