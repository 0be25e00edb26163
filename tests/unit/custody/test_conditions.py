"""An approval counts where and while its approver said, and nowhere else: judged by rules, and without them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from assay.contracts import Environment, FactKind
from assay.custody import Judgement, export, judge, judge_move, verify_bundle
from assay.custody.approvals import count_approval
from assay.custody.card import card_digest
from assay.custody.chain import chain
from assay.custody.errors import ApprovalDoesNotCount, ConditionsUnjudged, GateNotMet
from assay.custody.judging import approvable, count_listed, judge_listed, rejudge
from assay.errors import ConditionRefused, SignatureInvalid
from assay.ledger import Record
from tests.unit.custody.conftest import Candidate
from tests.unit.custody.receipts import journaled_receipt
from tests.unit.custody.test_approvals import forged
from tests.unit.custody.world import ENDPOINT

SECOND = 1_000_000_000
LONGEST_DAYS = 180  # tier limited in prod: infra/opa/gates.rego
ELSEWHERE = {"endpoints": ["cards"]}
HERE = {"endpoints": ["cards", ENDPOINT]}


def at(candidate: Candidate, endpoint: str | None) -> Judgement:
    """Judge it for an endpoint."""
    world = candidate.world
    return judge(
        world.follower,
        world.root,
        world.policy,
        version=candidate.version.digest,
        environment=Environment.PROD,
        card=card_digest(candidate.files),
        now_ns=world.now_ns(),
        endpoint=endpoint,
    )


def approved(candidate: Candidate, amirs: dict[str, Any], beas: dict[str, Any] | None = None) -> None:
    """Have both approve, each under conditions of their own."""
    before = candidate.judged()
    candidate.world.approve(before, "amir", conditions=amirs)
    candidate.world.approve(before, "bea", conditions=beas or {})


def until(candidate: Candidate, minutes: int) -> dict[str, int]:
    return {"until": candidate.world.now_ns() // SECOND + minutes * 60}


def moved(candidate: Candidate, rollout: Record) -> Judgement:
    """Judge a standing rollout now, as its predictor does with every fact."""
    world = candidate.world
    return judge_move(
        world.follower,
        world.root,
        world.policy,
        move=rollout.digest,
        card=card_digest(candidate.files),
        now_ns=world.now_ns(),
    )


def test_an_approval_for_an_endpoint_counts_there_and_moves_no_alias(candidate: Candidate) -> None:
    approved(candidate, HERE)
    assert at(candidate, ENDPOINT).verdict.passed
    for endpoint in (None, "loans"):
        judgement = at(candidate, endpoint)
        assert not judgement.verdict.passed
        assert [one.person for one in judgement.approvals] == ["p-bea"]
        assert [one.person for one in judgement.limited] == ["p-amir"]
        assert list(judgement.dropped.values()) == [f"approved only on endpoint cards or {ENDPOINT}"]
        with pytest.raises(GateNotMet, match=f"p-amir approved it only on endpoint cards or {ENDPOINT}"):
            judgement.require()


def test_approvals_for_two_endpoints_are_together_for_neither(candidate: Candidate) -> None:
    approved(candidate, {"endpoints": [ENDPOINT]}, ELSEWHERE)
    assert not any(at(candidate, endpoint).verdict.passed for endpoint in (None, ENDPOINT, "cards"))


def test_what_was_approved_until_a_moment_says_when_it_ends_and_then_does(candidate: Candidate) -> None:
    limit = until(candidate, 20)
    approved(candidate, limit)
    rollout = candidate.world.rollout(at(candidate, ENDPOINT))
    assert moved(candidate, rollout).ends_ns == limit["until"] * SECOND
    candidate.world.start += timedelta(minutes=20)
    with pytest.raises(GateNotMet, match=r"p-amir approved it only until .* which has passed"):
        moved(candidate, rollout)
    world = candidate.world
    again = rejudge(world.follower, world.root, world.policy, move=rollout.digest, now_ns=world.now_ns())
    assert not again.verdict.passed
    assert not at(candidate, ENDPOINT).verdict.passed


def test_an_approval_more_than_is_needed_may_end(candidate: Candidate) -> None:
    world = candidate.world
    world.enrol_by("carl", "approver", by=("ada", "grace"))
    approved(candidate, until(candidate, 10), limit := until(candidate, 30))
    world.approve(candidate.judged(), "carl")
    rollout = world.rollout(at(candidate, ENDPOINT))
    assert len(rollout.fact.body["approvals"]) == 3
    world.start += timedelta(minutes=20)
    judgement = moved(candidate, rollout)
    assert [one.person for one in judgement.approvals] == ["p-bea", "p-carl"]
    assert judgement.ends_ns == limit["until"] * SECOND


def test_a_rollout_ends_when_its_tier_says_though_everybody_approved_it_without_an_end(
    candidate: Candidate,
) -> None:
    world = candidate.world
    approved(candidate, {})
    rollout = world.rollout(at(candidate, ENDPOINT))
    judgement = moved(candidate, rollout)
    assert judgement.ends_ns == judgement.use.at_ns + LONGEST_DAYS * 86_400 * SECOND
    world.start += timedelta(days=LONGEST_DAYS, minutes=-30)
    assert moved(candidate, rollout).ends_ns == judgement.ends_ns
    world.start += timedelta(minutes=40)
    with pytest.raises(GateNotMet, match=f"a rollout of the last {LONGEST_DAYS} days .*roll it out again"):
        moved(candidate, rollout)
    assert rejudge(
        world.follower, world.root, world.policy, move=rollout.digest, now_ns=world.now_ns()
    ).verdict.missing


def test_what_is_no_endpoint_runs_nowhere_and_an_earlier_until_ends_first(candidate: Candidate) -> None:
    limit = until(candidate, 20)
    approved(candidate, limit)
    assert at(candidate, None).verdict.runs_seconds is None
    assert at(candidate, ENDPOINT).ends_ns == limit["until"] * SECOND


@pytest.mark.parametrize("conditions", [{"max_rows": 5}, {"endpoints": []}, None, {"until": "tomorrow"}])
def test_a_condition_that_nobody_judges_is_refused_by_the_ledger_and_by_every_verifier(
    candidate: Candidate, conditions: object
) -> None:
    world, before = candidate.world, candidate.judged()
    with pytest.raises(ConditionRefused):
        world.approve(before, "amir", conditions=conditions)
    true = world.approve(before, "amir")
    signed = world.people["amir"].passkey.assert_(world.statement(before, "amir", conditions=conditions))
    record = forged(true, assertion=signed.model_dump(mode="json"))
    about = approvable(before.chain, world.root, before.environment, before.kinds)
    with pytest.raises(ConditionRefused):
        count_approval(world.follower, world.root, record, about, at_ns=world.now_ns())


def test_only_an_approval_carries_conditions(candidate: Candidate) -> None:
    world, before = candidate.world, candidate.judged()
    no = world.statement(before, "amir", verb="reject", conditions=ELSEWHERE)
    with pytest.raises(SignatureInvalid, match="only an approval carries conditions"):
        world.decide(world.people["amir"].passkey.assert_(no), before, FactKind.REJECTION)


# ---- offline


def receipt(candidate: Candidate, rollout: Record) -> dict[str, Any]:
    world = candidate.world
    bundle = export(journaled_receipt(world, rollout), world.log, world.follower)
    found: dict[str, Any] = json.loads(json.dumps(bundle))
    return found


def verified(candidate: Candidate, bundle: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - VerifiedReceipt
    world = candidate.world
    return verify_bundle(bundle, world.root, now=world.log.checkpoint().time_ms / 1000 + 86_400, **more)


def test_a_receipt_shows_the_conditions_it_was_answered_under(candidate: Candidate) -> None:
    approved(candidate, HERE | until(candidate, 20))
    bundle = receipt(candidate, candidate.world.rollout(at(candidate, ENDPOINT)))
    for more in ({}, {"policy": candidate.world.policy}):
        tree = json.dumps(verified(candidate, bundle, **more).tree.to_json())
        assert f"only on endpoint cards or {ENDPOINT}" in tree
        assert "only until 20" in tree


def test_a_receipt_answered_after_an_approval_ended_is_no_proof(candidate: Candidate) -> None:
    approved(candidate, until(candidate, 18))
    rollout = candidate.world.rollout(at(candidate, ENDPOINT))
    candidate.world.start += timedelta(minutes=20)
    bundle = receipt(candidate, rollout)
    with pytest.raises(ConditionsUnjudged, match="only until"):
        verified(candidate, bundle)
    with pytest.raises(GateNotMet, match="only until"):
        verified(candidate, bundle, policy=candidate.world.policy)


def test_what_was_answered_after_its_tiers_time_is_no_proof_for_who_has_the_rules(
    candidate: Candidate,
) -> None:
    approved(candidate, {})
    world, rollout = candidate.world, candidate.world.rollout(at(candidate, ENDPOINT))
    whole, day = chain(world.follower, rollout.digest), 86_400 * SECOND
    count_listed(
        world.follower, world.root, whole
    )  # without them nobody knows how long a tier lets anything run
    told_ns = [world.now_ns() + days * day for days in (LONGEST_DAYS - 1, LONGEST_DAYS + 1)]
    judge_listed(world.follower, world.root, world.policy, whole, now_ns=told_ns[0])
    with pytest.raises(GateNotMet, match=f"a rollout of the last {LONGEST_DAYS} days"):
        judge_listed(world.follower, world.root, world.policy, whole, now_ns=told_ns[1])


def test_a_receipt_of_another_endpoint_than_was_approved_is_refused_without_the_rules(
    candidate: Candidate,
) -> None:
    approved(candidate, ELSEWHERE)
    judgement = at(candidate, "cards")
    rollout = candidate.world.rollout(judgement)  # at another endpoint than it was judged for
    with pytest.raises(ApprovalDoesNotCount, match="only on endpoint cards"):
        verified(candidate, receipt(candidate, rollout))
