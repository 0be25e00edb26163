"""Following rollouts over a real chain of custody: what does not verify never answers, what is revoked stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from assay.contracts import Environment, FactKind, canonical, strict_json
from assay.contracts.bodies import Approval
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.errors import ServiceError, Stale, Unavailable, refusal_from
from services.predictor.adapters.custody import RegistryCustody
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.endpoint import Endpoint
from services.predictor.errors import NotServing
from services.predictor.rollouts import LONGEST, Rollouts
from services.registry.errors import NoLiveRollout
from tests.integration.predictor.chain import Chain
from tests.integration.predictor.models import texting
from tests.unit.custody.receipts import journaled_receipt

SECOND = 1_000_000_000


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = Chain(tmp_path)
    yield made
    made.close()


def _why(endpoint: Endpoint) -> str:
    with pytest.raises(ServiceError) as refused:
        endpoint.now()
    return type(refused.value).__name__


def _answers(chain: Chain) -> bool:
    return chain.endpoint.answering is not None


def test_nothing_answers_before_anything_is_rolled_out(chain: Chain) -> None:
    chain.rollouts.step()
    with pytest.raises(NotServing):
        chain.endpoint.now()
    assert chain.endpoint.state()["state"] == "starting"


def test_a_rollout_whose_whole_chain_verifies_answers_with_the_very_bytes(chain: Chain) -> None:
    version = chain.approved()
    rollout = chain.roll_out(version)
    chain.rollouts.step()
    answering = chain.endpoint.now("credit-default", "1")
    assert answering.rollout == rollout.digest
    (probability, _) = answering.model.run({"x": np.zeros((1, 3), "f4")})
    assert probability.tolist() == [[0.5]]


@pytest.mark.parametrize("path", ["model.onnx", "card.json", "MLmodel", "signature"])
def test_one_flipped_byte_and_nothing_answers(chain: Chain, path: str) -> None:
    rollout = chain.roll_out(chain.approved())

    def flip(asked: str, body: bytes) -> bytes:
        return body[:-3] + bytes([body[-3] ^ 1]) + body[-2:] if asked.endswith(path) else body

    chain.registry.tamper = flip
    chain.rollouts.step()
    assert _why(chain.endpoint) in {"WrongSubject", "SignatureInvalid"}
    failure = chain.endpoint.failure
    assert failure is not None
    assert failure.rollout == rollout.digest


def test_a_manifest_that_hides_a_file_is_refused(chain: Chain) -> None:
    chain.roll_out(chain.approved())

    def hide(path: str, body: bytes) -> bytes:
        entries = strict_json(body)["files"] if path.count("/") == 3 else []
        return canonical({"files": [e for e in entries if e["path"] != "MLmodel"]}) if entries else body

    chain.registry.tamper = hide
    chain.rollouts.step()
    assert _why(chain.endpoint) == "WrongSubject"


@pytest.mark.parametrize("answer", [b"[]]", b'{"files": 7}', b'{"files": [{"path": "../../etc/passwd"}]}'])
def test_a_malformed_manifest_is_refused(chain: Chain, answer: bytes) -> None:
    chain.roll_out(chain.approved())
    chain.registry.tamper = lambda path, body: answer if path.count("/") == 3 else body
    chain.rollouts.step()
    assert chain.endpoint.answering is None
    assert chain.endpoint.failure is not None


def test_a_version_nobody_approved_never_answers(chain: Chain) -> None:
    chain.roll_out(chain.version())
    chain.rollouts.step()
    assert _why(chain.endpoint) == "GateNotMet"


def test_the_approvals_of_another_version_do_not_count(chain: Chain) -> None:
    approvals = chain.approve(chain.version())
    other = chain.version((1.0, 1.0, 1.0))
    chain.roll_out(other, approvals=[a.digest for a in approvals])
    chain.rollouts.step()
    assert chain.endpoint.answering is None


def test_the_bytes_of_another_version_under_this_ones_name_never_answer(chain: Chain) -> None:
    good, bad = chain.approved(), chain.version((9.0, 9.0, 9.0))
    chain.roll_out(good)
    chain.registry.tamper = lambda path, body: bad.files["model.onnx"] if path.endswith("onnx") else body
    chain.rollouts.step()
    assert chain.endpoint.answering is None


def test_a_revoked_version_stops_answering_by_name(chain: Chain) -> None:
    version = chain.approved()
    chain.roll_out(version)
    chain.rollouts.step()
    chain.world.revoke(version.record.digest)
    chain.rollouts.step()
    assert _why(chain.endpoint) == "ChainRevoked"
    assert chain.endpoint.state()["state"] == "stopped"


def test_a_revoked_batch_stops_the_model_made_from_it(chain: Chain) -> None:
    chain.roll_out(chain.approved())
    chain.rollouts.step()
    batch = chain.features.fact.body["facts"][0]
    chain.world.revoke(batch)
    chain.rollouts.step()
    assert _why(chain.endpoint) == "ChainRevoked"


def test_an_approval_that_is_revoked_or_withdrawn_stops_the_model(chain: Chain) -> None:
    version = chain.version()
    first, second = chain.approve(version)
    chain.roll_out(version)
    chain.rollouts.step()
    assert _answers(chain)
    judged = chain.world.judge(version.record, version.files)
    assertion = Approval.model_validate(second.fact.body).assertion
    withdrawn = assertion.statement | {"verb": "withdraw"}
    chain.world.decide(chain.world.people["bea"].passkey.assert_(withdrawn), judged, FactKind.WITHDRAWAL)
    chain.rollouts.step()
    assert not _answers(chain)
    chain.world.revoke(first.digest)
    chain.rollouts.step()
    assert not _answers(chain)


@pytest.mark.parametrize(
    ("seconds", "why"),
    [(600, "p-amir approved it only until"), (None, "a rollout of the last 180 days")],
    ids=["an approver's until", "the longest time of its tier"],
)
def test_an_endpoint_stops_by_itself_at_the_moment_an_approver_or_its_tier_named(
    chain: Chain, seconds: int | None, why: str
) -> None:
    """No fact arrives, and its judge was woken by nobody: the moment itself wakes it."""
    version, world, later = chain.version(), chain.world, [0]
    judged = world.judge(version.record, version.files, Environment.PROD)
    until = {} if seconds is None else {"until": world.now_ns() // SECOND + seconds}
    amirs = world.approve(judged, "amir", conditions={**until, "endpoints": ["credit"]})
    chain.roll_out(version, approvals=[amirs.digest, world.approve(judged, "bea").digest])
    behind = time.time_ns() - world.now_ns()

    def clock() -> int:
        return time.time_ns() - behind + later[0]

    chain.custody = RegistryCustody(chain.http, world.follower, world.root, world.policy, now_ns=clock)
    endpoint = Endpoint("prod", "credit", clock_ns=clock)
    rollouts = Rollouts(world.follower, chain, OnnxModel, endpoint)
    rollouts.step()
    assert endpoint.now().number == 1
    assert endpoint.left_seconds is not None
    ends = datetime.fromisoformat(endpoint.state()["until"])
    assert (ends.timestamp() * SECOND - clock()) / SECOND == pytest.approx(endpoint.left_seconds, abs=60)
    later[0] = int((endpoint.left_seconds - 0.5) * SECOND)
    rollouts.start()
    try:
        _until(lambda: endpoint.state()["state"] == "stopped")
    finally:
        rollouts.close()
    reason = endpoint.state()["reason"]
    assert reason["title"] == "GateNotMet"
    assert why in reason["detail"]
    assert endpoint.left_seconds is None


def test_an_end_that_no_calendar_has_is_said_as_the_last_that_one_has(chain: Chain) -> None:
    chain.roll_out(chain.approved())
    chain.rollouts.step()
    answering = chain.endpoint.now()
    days = 3_000_000  # as a tier's `runs_days`
    chain.endpoint.stands(replace(answering.package.judgement, ends_ns=days * 24 * 3600 * SECOND))
    assert chain.endpoint.now() is answering
    assert chain.endpoint.state()["until"] == "9999-12-31T23:59:59+00:00"


def test_the_next_version_takes_over_and_the_one_before_can_come_back(chain: Chain) -> None:
    one, two = chain.approved(), chain.approved((1.0, 1.0, 1.0))
    for version in (one, two, one):
        chain.roll_out(version)
        chain.rollouts.step()
        assert chain.endpoint.now().number == version.record.fact.body["number"]


def test_a_rollout_that_fails_is_reported_and_the_verified_one_goes_on(chain: Chain) -> None:
    good, bad = chain.approved(), chain.version((1.0, 1.0, 1.0))
    first = chain.roll_out(good)
    chain.rollouts.step()
    second = chain.roll_out(bad)
    chain.rollouts.step()
    state = chain.endpoint.state()
    assert (state["state"], state["rollout"]) == ("answering", first.digest)
    assert state["failure"]["rollout"] == second.digest
    assert state["failure"]["problem"]["title"] == "GateNotMet"
    third = chain.roll_out(good)
    chain.rollouts.step()
    assert (chain.endpoint.state()["rollout"], chain.endpoint.state()["failure"]) == (third.digest, None)


def test_a_graph_that_cannot_be_served_is_reported(chain: Chain) -> None:
    version = chain.version(model=texting())
    chain.approve(version)
    chain.roll_out(version)
    chain.rollouts.step()
    assert _why(chain.endpoint) == "ModelUnusable"


def test_while_the_registry_is_down_the_rollout_waits_and_is_tried_again(chain: Chain) -> None:
    chain.roll_out(chain.approved())
    chain.registry.down = True
    assert chain.rollouts.step() is False
    assert chain.endpoint.state()["state"] == "starting"
    chain.registry.down = False
    assert chain.rollouts.step() is True
    assert chain.endpoint.now().number == 1


PASSING = [
    NoLiveRollout("the registry's log is behind ours"),
    Stale("the registry's ledger does not answer"),
    Unavailable("Vault is not ready: Vault is sealed"),
    refusal_from({"title": "InternalError", "status": 500}),
]


@pytest.mark.parametrize("refusal", PASSING, ids=lambda refusal: type(refusal).__name__)
def test_a_registry_that_cannot_hand_out_a_package_now_is_asked_again_and_no_fact_is_needed(
    chain: Chain, refusal: ServiceError
) -> None:
    chain.registry.refuses = refusal
    chain.roll_out(chain.approved())
    chain.rollouts.start()
    try:
        _until(lambda: len(chain.registry.asked) >= 2)
        state = chain.endpoint.state()
        assert (state["state"], state["failure"]) == ("starting", None)
        assert refusal.detail in state["reason"]["detail"]
        assert state["reason"]["status"] == 503
        chain.registry.refuses = None
        _until(lambda: _answers(chain))
    finally:
        chain.rollouts.close()


@pytest.mark.parametrize("refusal", [GateNotMet("an approval is missing"), ChainRevoked("it was revoked")])
def test_a_verdict_of_the_registry_is_reported_and_not_asked_for_again(
    chain: Chain, refusal: ServiceError
) -> None:
    chain.registry.refuses = refusal
    rollout = chain.roll_out(chain.approved())
    assert chain.rollouts.step() is True
    assert chain.rollouts.pause(settled=True) is None
    assert _why(chain.endpoint) == type(refusal).__name__
    failure = chain.endpoint.failure
    assert failure is not None
    assert failure.rollout == rollout.digest


def test_what_the_registry_does_not_hand_out_is_asked_for_less_and_less_often(chain: Chain) -> None:
    chain.roll_out(chain.approved())
    chain.registry.down = True
    pauses = [chain.rollouts.pause(settled=chain.rollouts.step()) for _ in range(40)]
    assert pauses[:4] == pytest.approx([0.05, 0.1, 0.2, 0.4])
    assert pauses[-1] == LONGEST
    chain.registry.down = False
    assert chain.rollouts.step() is True
    chain.registry.down = True
    chain.roll_out(chain.approved((1.0, 1.0, 1.0)))
    assert chain.rollouts.pause(settled=chain.rollouts.step()) == pytest.approx(0.05)
    assert chain.endpoint.now().number == 1  # what answers goes on meanwhile


def test_a_revocation_that_ended_lets_the_rollout_be_judged_again(chain: Chain) -> None:
    version = chain.approved()
    chain.roll_out(version)
    chain.rollouts.step()
    digest = version.record.digest
    revocation = chain.world.revoke(digest)
    chain.rollouts.step()
    assert not _answers(chain)
    chain.world.say(FactKind.REVOCATION, f"revocation/{digest}", {**revocation.fact.body, "ended": True})
    chain.rollouts.step()
    assert _answers(chain)


def test_the_thread_follows_by_itself_and_its_own_journal_wakes_nobody(chain: Chain) -> None:
    rollout = chain.roll_out(chain.approved())
    chain.rollouts.start()
    try:
        _until(lambda: _answers(chain))
        looked = chain.judged
        journaled_receipt(chain.world, rollout)
        chain.world.revoke(rollout.digest)
        _until(lambda: not _answers(chain))
        assert chain.judged == looked + 1
    finally:
        chain.rollouts.close()


def test_an_unexpected_error_while_judging_stops_the_answers(chain: Chain) -> None:
    chain.roll_out(chain.approved())
    chain.rollouts.step()
    chain.breaks = True
    chain.rollouts.start()
    try:
        _until(lambda: not _answers(chain))
    finally:
        chain.rollouts.close()


def _until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to be")
