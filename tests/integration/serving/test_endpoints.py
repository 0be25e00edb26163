"""Rolling out over a real chain: the gate first, the fact first, and back when a predictor cannot take it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Environment, FactKind, PersonId, Rollout, SpiffeId, body_of
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.errors import BadRequest, Forbidden, HeadMoved, Unavailable
from assay.ledger import Follower, Record
from assay.web.caller import Caller
from services.serving.adapters.custody import CustodyJudge
from services.serving.domain import Place
from services.serving.errors import (
    NothingBefore,
    NotThatPredictor,
    RolloutFailed,
    Superseded,
    UnknownEndpoint,
    UnknownVersion,
)
from services.serving.usecases import Endpoints, Wanted
from tests.integration.predictor.chain import Chain
from tests.unit.custody.world import DOMAIN, MODEL

PROD = Place(Environment.PROD, "credit")
ONE, TWO = Wanted(MODEL, 1), Wanted(MODEL, 2)


class InProcess:
    """A control plane whose predictor lives in this process: the real one, without its listener."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.running: list[Place] = []

    def ensure(self, place: Place) -> None:
        """Take notice."""
        self.running.append(place)

    def url(self, place: Place) -> str | None:
        """Return an address once it was started."""
        return "https://127.0.0.1:9" if place in self.running else None

    def close(self) -> None:
        """End everything."""
        self.running.clear()

    def state(self, place: Place) -> Mapping[str, Any]:
        """Let the predictor follow the ledger, and ask it."""
        if place not in self.running:
            raise Unavailable("not running")
        self.chain.rollouts.step()
        return self.chain.endpoint.state()

    def settled(self, place: Place, rollout: str) -> Mapping[str, Any]:  # noqa: ARG002
        """Return its state: it never takes longer than asking."""
        return self.state(place)


class Serving:
    """Serving's use cases over one chain."""

    def __init__(self, folder: Path) -> None:
        self.chain = Chain(folder)
        self.process = InProcess(self.chain)
        self.signed: list[tuple[Place, str]] = []
        self.endpoints = self.over(self.process)

    def over(self, process: InProcess) -> Endpoints:
        """Return the use cases over a control plane."""
        world = self.chain.world
        return Endpoints(
            facts=world.follower,
            ledger=world.log,
            policy=world.policy,
            judge=CustodyJudge(
                self.chain.http, world.follower, world.root, world.policy, now_ns=world.now_ns
            ),
            control=process,
            predictors=process,
            sign=self._sign,
            now=world.time,
        )

    def _sign(self, place: Place, csr: str) -> str:
        self.signed.append((place, csr))
        return "a certificate"

    def caller(self, name: str, role: str) -> Caller:
        """Return a person with a role."""
        person = self.chain.world.person(name)
        return Caller(
            SpiffeId(DOMAIN, f"/people/{person}"),
            PersonId(person),
            frozenset({role} | ({"operator"} if role == "data-scientist" else set())),
            tenant="demo",
            platform=True,
            signed_in=time.time(),
        )

    @property
    def dana(self) -> Caller:
        """The data scientist."""
        return self.caller("dana", "data-scientist")

    def roll_out(self, wanted: Wanted) -> dict[str, Any]:
        """Roll out in prod as Dana."""
        return self.endpoints.roll_out(PROD, wanted, "a test", by=self.dana)

    def roll_back(self) -> dict[str, Any]:
        """Roll back in prod as Dana."""
        return self.endpoints.roll_back(PROD, "a test", by=self.dana)

    def head(self) -> Rollout | None:
        """Return the desired state in the ledger."""
        head = self.chain.world.follower.head(PROD.about)
        return body_of(head.fact, Rollout) if head else None


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    made = Serving(tmp_path)
    yield made
    made.chain.close()


def test_an_approved_version_answers_and_its_rollout_lists_what_it_stands_on(serving: Serving) -> None:
    version = serving.chain.approved()
    view = serving.roll_out(ONE)
    assert (view["state"], view["model"], view["number"]) == ("answering", MODEL, 1)
    assert view["fact"] == view["rollout"] == serving.chain.endpoint.now().rollout
    said = serving.head()
    assert said is not None
    assert (said.version, len(said.approvals), len(said.evidence)) == (version.record.digest, 2, 4)
    assert said.reason == "a test"


def test_a_version_nobody_approved_is_refused_and_nothing_is_said(serving: Serving) -> None:
    serving.chain.version()
    with pytest.raises(GateNotMet, match="approv"):
        serving.roll_out(ONE)
    assert serving.head() is None
    assert serving.process.running == []


def test_the_second_version_takes_over_and_is_rolled_back_to_the_first(serving: Serving) -> None:
    serving.chain.approved()
    serving.chain.approved((1.0, 1.0, 1.0))
    serving.roll_out(ONE)
    assert serving.roll_out(TWO)["number"] == 2
    assert serving.chain.endpoint.now().number == 2
    back = serving.roll_back()
    assert (back["number"], back["state"]) == (1, "answering")
    assert serving.chain.endpoint.now().number == 1
    with pytest.raises(NothingBefore):
        serving.roll_back()


def test_a_version_that_was_revoked_meanwhile_is_not_gone_back_to(serving: Serving) -> None:
    first = serving.chain.approved()
    serving.chain.approved((1.0, 1.0, 1.0))
    serving.roll_out(ONE)
    serving.roll_out(TWO)
    serving.chain.world.revoke(first.record.digest)
    with pytest.raises(ChainRevoked):
        serving.roll_back()
    said = serving.head()
    assert said is not None
    assert said.number == 2


def test_a_load_that_fails_is_followed_by_the_rollout_before(serving: Serving) -> None:
    serving.chain.approved()
    serving.roll_out(ONE)
    serving.chain.approved((1.0, 1.0, 1.0))
    _tamper_with_newest(serving)
    with pytest.raises(RolloutFailed, match="back at version 1") as refused:
        serving.roll_out(TWO)
    assert refused.value.extra["problem"]["title"] == "WrongSubject"
    said = serving.head()
    assert said is not None
    assert (said.number, "failed" in said.reason) == (1, True)
    assert serving.endpoints.view(PROD)["state"] == "answering"
    assert serving.chain.endpoint.now().number == 1


def test_a_first_rollout_that_fails_leaves_the_endpoint_stopped_and_says_so(serving: Serving) -> None:
    serving.chain.approved()
    _tamper_with_newest(serving)
    with pytest.raises(RolloutFailed, match="does not answer"):
        serving.roll_out(ONE)
    assert serving.endpoints.view(PROD)["state"] == "failed"
    assert serving.chain.endpoint.answering is None


def test_a_rollout_that_was_overtaken_says_so_and_puts_nothing_back(serving: Serving) -> None:
    chain = serving.chain
    chain.approved()
    second = chain.approved((1.0, 1.0, 1.0))

    class Overtaken(InProcess):
        def settled(self, place: Place, rollout: str) -> Mapping[str, Any]:  # noqa: ARG002
            """Somebody else is faster."""
            chain.roll_out(second)
            return self.state(place)

    endpoints = serving.over(Overtaken(chain))
    with pytest.raises(Superseded):
        endpoints.roll_out(PROD, ONE, "a test", by=serving.dana)
    assert chain.endpoint.now().number == 2


def test_two_rollouts_from_the_same_head_have_one_winner(serving: Serving) -> None:
    chain = serving.chain
    chain.approved()
    second = chain.approved((1.0, 1.0, 1.0))

    class OneStepBehind(Follower):
        """Reads the head, and then somebody else is faster."""

        def head(self, about: str) -> Record | None:
            """See `Follower`."""
            head = super().head(about)
            if about == PROD.about and head is None:
                chain.roll_out(second)
            return head

    behind = OneStepBehind(chain.world.log, chain.world.root, lease_seconds=60)
    behind.catch_up()
    endpoints = replace(serving.endpoints, facts=behind)
    with pytest.raises(HeadMoved):
        endpoints.roll_out(PROD, ONE, "a test", by=serving.dana)
    said = serving.head()
    assert said is not None
    assert said.number == 2


@pytest.mark.parametrize("wanted", [Wanted(MODEL, 9), Wanted("other", 1), Wanted(MODEL, alias="champion")])
def test_a_version_that_does_not_exist_is_not_found(serving: Serving, wanted: Wanted) -> None:
    serving.chain.approved()
    with pytest.raises(UnknownVersion):
        serving.roll_out(wanted)


@pytest.mark.parametrize("wanted", [Wanted(MODEL), Wanted(MODEL, 1, "champion")])
def test_a_version_is_named_once(serving: Serving, wanted: Wanted) -> None:
    with pytest.raises(BadRequest):
        serving.roll_out(wanted)


def test_an_alias_of_the_environment_names_a_version(serving: Serving) -> None:
    version = serving.chain.approved()
    judged = serving.chain.world.judge(version.record, version.files)
    body = {
        "model": MODEL,
        "alias": "champion",
        "number": 1,
        "version": version.record.digest,
        "approvals": [a.record.digest for a in judged.approvals],
        "evidence": list(judged.evidence),
        "policy": judged.verdict.revision,
    }
    about = f"alias/prod/{MODEL}@champion"
    serving.chain.world.say(FactKind.ALIAS, about, body, environment=Environment.PROD)
    assert serving.roll_out(Wanted(MODEL, alias="champion"))["number"] == 1


def test_an_approver_may_not_roll_out(serving: Serving) -> None:
    serving.chain.approved()
    with pytest.raises(Forbidden):
        serving.endpoints.roll_out(PROD, ONE, "a test", by=serving.caller("bea", "approver"))
    assert serving.head() is None


def test_an_endpoint_that_never_was_is_not_found(serving: Serving) -> None:
    with pytest.raises(UnknownEndpoint):
        serving.endpoints.view(PROD)
    with pytest.raises(UnknownEndpoint):
        serving.roll_back()
    assert serving.endpoints.views() == []


def test_a_predictor_renews_its_own_certificate_and_no_other(serving: Serving) -> None:
    serving.chain.approved()
    serving.roll_out(ONE)
    assert serving.endpoints.certificate("csr", by=PROD.identity(DOMAIN)) == "a certificate"
    assert serving.signed == [(PROD, "csr")]
    for path in (
        "/svc/dev/predictor/credit",
        "/svc/prod/predictor/other",
        "/svc/core/serving",
        "/people/p-dana",
    ):
        with pytest.raises(NotThatPredictor):
            serving.endpoints.certificate("csr", by=SpiffeId(DOMAIN, path))
    assert len(serving.signed) == 1


def test_after_a_restart_every_endpoint_runs_again(serving: Serving) -> None:
    serving.chain.approved()
    serving.roll_out(ONE)
    fresh = InProcess(serving.chain)
    restarted = serving.over(fresh)
    assert restarted.view(PROD)["state"] == "starting"
    restarted.restore()
    assert fresh.running == [PROD]
    assert [view["state"] for view in restarted.views()] == ["answering"]


def _tamper_with_newest(serving: Serving) -> None:
    """Have the registry hand out other bytes of the newest package's graph."""
    newest = list(serving.chain.registry.held)[-1]
    serving.chain.registry.tamper = lambda path, body: (
        body + b"\0" if newest in path and path.endswith("model.onnx") else body
    )
