"""A version of a lower tier than one before it takes the signatures of the tier it left, offline too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from assay.custody import export, verify_bundle
from assay.custody.errors import ChainBroken, WrongSubject
from tests.unit.custody.conftest import Candidate
from tests.unit.custody.receipts import journaled_receipt


def another(candidate: Candidate, tier: str) -> Candidate:
    """Register the same checkpoint again under another tier."""
    version, signature = candidate.world.version(candidate.run, "epoch-3", candidate.files, tier=tier)
    return replace(candidate, version=version, signature=signature)


@pytest.mark.parametrize("between", [[], ["low"], ["low", "low"]])
def test_one_signature_is_not_enough_for_a_version_whose_tier_was_lowered(
    candidate: Candidate, between: list[str]
) -> None:
    for tier in between:
        another(candidate, tier)
    low = another(candidate, "low")
    before = low.judged()
    assert before.chain.left is not None
    assert (before.chain.left.number, before.chain.left.tier) == (1, "limited")
    low.world.approve(before, "amir")
    (missing,) = low.judged().verdict.missing
    assert missing["what"] == "1 more of 2 approvals by role approver"
    assert "an earlier version is of tier limited" in missing["how"]
    low.world.approve(before, "bea")
    assert low.judged().verdict.passed


def test_what_left_the_high_tier_takes_somebody_who_answers_for_risk(candidate: Candidate) -> None:
    another(candidate, "high")
    candidate.world.grant_role("grace", "risk", by=("ada", "grace"))
    limited = another(candidate, "limited")
    judgement = limited.approved()
    assert [each["what"] for each in judgement.verdict.missing] == [
        "3 different people who approve",
        "1 more of 1 approvals by role risk",
    ]
    limited.world.approve(judgement, "grace", role="risk")
    assert limited.judged().verdict.passed


def test_a_model_that_was_never_stricter_takes_its_own_signatures(candidate: Candidate) -> None:
    version, _ = candidate.world.version(candidate.run, "epoch-3", candidate.files)
    raised = replace(candidate, version=version)
    assert raised.judged().chain.left is None
    assert another(candidate, "high").judged().chain.left is None


def rolled_out(candidate: Candidate) -> dict[str, Any]:
    """Return the receipt of a third version, low after limited and low, signed by two."""
    another(candidate, "low")
    low = another(candidate, "low")
    world = low.world
    rollout = world.rollout(low.approved())
    found: dict[str, Any] = json.loads(
        json.dumps(export(journaled_receipt(world, rollout), world.log, world.follower))
    )
    return found


def test_a_receipt_shows_every_version_before_and_that_the_tier_was_lowered(candidate: Candidate) -> None:
    bundle, world = rolled_out(candidate), candidate.world
    now = world.log.checkpoint().time_ms / 1000
    found = verify_bundle(bundle, world.root, now=now, policy=world.policy)
    assert [record.fact.body["number"] for record in found.chain.earlier] == [2, 1]
    assert "LOWERED from limited" in json.dumps(found.tree.to_json())


def test_a_receipt_that_leaves_out_the_stricter_version_is_refused(candidate: Candidate) -> None:
    bundle, world = rolled_out(candidate), candidate.world
    now = world.log.checkpoint().time_ms / 1000
    entries = bundle["proofs"]["entries"]
    without = [one for one in entries if one["index"] != candidate.version.index]
    assert len(without) == len(entries) - 1
    with pytest.raises(ChainBroken, match=candidate.version.digest[:12]):
        verify_bundle({**bundle, "proofs": {**bundle["proofs"], "entries": without}}, world.root, now=now)


def test_a_number_that_skips_one_is_refused_however_far_back(candidate: Candidate) -> None:
    candidate.world.version(candidate.run, "epoch-3", candidate.files, number=3)
    candidate.world.version(candidate.run, "epoch-3", candidate.files)
    version, _ = candidate.world.version(candidate.run, "epoch-3", candidate.files)
    with pytest.raises(WrongSubject, match="does not stand in that place"):
        replace(candidate, version=version).judged()
