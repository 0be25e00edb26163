"""What a new policy would stop: everything that stands is judged again by its rules, and the digest says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.custody.errors import ChainRevoked
from assay.custody.judging import rejudge
from assay.policy.preview import document, preview_digest, stopped
from assay.policy.shelf import Shelf
from services.identity.errors import PreviewMoved
from services.identity.policies import Policies
from tests.support.policy import renamed
from tests.unit.custody.conftest import Candidate

WITHOUT_APPROVERS = (b"approver", b"approveX")  # nobody holds such a role


@pytest.fixture
def policies(candidate: Candidate, tmp_path: Path) -> Policies:
    world = candidate.world
    shelf = Shelf(tmp_path / "policy", world.author.key)
    shelf.put(world.author.archive())
    world.follower.catch_up()
    return Policies(world.root, world.follower, shelf)


def test_what_stands_passes_again_by_the_policy_in_force(candidate: Candidate, policies: Policies) -> None:
    candidate.world.rollout(candidate.approved())
    preview = policies.preview(candidate.world.author.signed().digest)
    assert [(each["about"], each["now"], each["then"]) for each in preview["stands"]] == [
        ("endpoint/prod/credit", "passes", "passes")
    ]
    assert stopped(preview) == []
    assert preview["decisions"] == []


def test_a_policy_that_counts_no_approver_says_what_it_would_stop_and_why(
    candidate: Candidate, policies: Policies
) -> None:
    candidate.world.rollout(candidate.approved())
    author = candidate.world.author
    taken = policies.take(author.archive(renamed(*WITHOUT_APPROVERS)))
    (stop,) = stopped(policies.preview(taken["bundle"]))
    assert stop["about"] == "endpoint/prod/credit"
    assert (stop["model"], stop["number"]) == ("credit-default", 1)
    assert any("approveX" in missing["what"] for missing in stop["missing"])


def test_a_rollout_after_the_preview_makes_it_another(candidate: Candidate, policies: Policies) -> None:
    bundle = candidate.world.author.signed().digest
    before = preview_digest(policies.preview(bundle))
    policies.require_preview(bundle, before)
    candidate.world.rollout(candidate.approved())
    with pytest.raises(PreviewMoved):
        policies.require_preview(bundle, before)
    policies.require_preview(bundle, preview_digest(policies.preview(bundle)))


def test_what_is_revoked_stands_by_no_policy(candidate: Candidate, policies: Policies) -> None:
    world = candidate.world
    rollout = world.rollout(candidate.approved())
    assert rejudge(
        world.follower, world.root, world.policy, move=rollout.digest, now_ns=world.now_ns()
    ).verdict.passed
    world.revoke(candidate.run.digest)
    with pytest.raises(ChainRevoked):
        rejudge(world.follower, world.root, world.policy, move=rollout.digest, now_ns=world.now_ns())
    (stands,) = policies.preview(world.author.signed().digest)["stands"]
    assert (stands["now"], stands["then"]) == ("ChainRevoked", "ChainRevoked")


def test_every_member_of_a_preview_is_in_its_digest() -> None:
    terms: dict[str, Any] = {"before": "a", "after": "b", "bundle": "c"}
    said = preview_digest(document(**terms))
    for name in terms:
        assert preview_digest(document(**{**terms, name: "d"})) != said
    assert (
        preview_digest(document(**terms, stands=[{}]))
        != preview_digest(document(**terms, decisions=[{}]))
        != said
    )
