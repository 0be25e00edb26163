"""Typed statements about a package: what an approver saw is what counts, and later evidence undoes nothing."""

from __future__ import annotations

import pytest

from assay.contracts import Evidence, body_of
from assay.custody import chain, judge_move, package_digest, verify
from assay.custody.card import card_digest
from assay.custody.errors import ChainRevoked, WrongSubject
from assay.custody.shown import stale_at
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger import Record
from tests.unit.custody.conftest import Candidate
from tests.unit.custody.world import digest_of


def stated(candidate: Candidate, kind: str, content: str = "document", **changed: object) -> Record:
    return candidate.world.evidence(package_digest(candidate.files), kind, content, **changed)


def people(candidate: Candidate) -> list[str]:
    return [approval.person for approval in candidate.judged().approvals]


def test_a_statement_is_evidence_of_its_type(candidate: Candidate) -> None:
    said = stated(candidate, "model-card")
    assert candidate.judged().kinds[said.digest] == "model-card"


def test_of_two_statements_of_a_type_the_newer_counts(candidate: Candidate) -> None:
    first, second = stated(candidate, "model-card"), stated(candidate, "model-card", "edited")
    kinds = candidate.judged().kinds
    assert second.digest in kinds
    assert first.digest not in kinds


def test_an_approval_ends_when_what_it_was_given_over_is_changed(candidate: Candidate) -> None:
    stated(candidate, "model-card")
    candidate.approved()
    assert people(candidate) == ["p-amir", "p-bea"]
    stated(candidate, "model-card", "edited")
    assert people(candidate) == []


@pytest.mark.parametrize("until", ["2099-01-01T00:00:00", "2099-01-01", "some day"])
def test_a_statement_whose_end_is_no_moment_is_stale_and_stops_nothing_else(
    candidate: Candidate, until: str
) -> None:
    candidate.approved()
    said = stated(candidate, "risk-record", valid_until=until)
    assert stale_at(body_of(said.fact, Evidence)) == 0
    assert candidate.judged().verdict.passed, "this tier asks for no such record"


def test_later_evidence_of_another_type_undoes_no_approval(candidate: Candidate) -> None:
    candidate.approved()
    stated(candidate, "risk-record")
    assert people(candidate) == ["p-amir", "p-bea"]
    assert candidate.judged().verdict.passed


def test_evidence_that_was_there_has_to_be_shown_to_the_approver(candidate: Candidate) -> None:
    risky = stated(candidate, "risk-record")
    judgement = candidate.judged()
    shown = [digest for digest in judgement.evidence if digest != risky.digest]
    statement = candidate.world.statement(judgement, "amir", evidence=shown)
    said = candidate.world.people["amir"].passkey.assert_(statement)
    record = candidate.world.decide(said, judgement)
    assert "risk-record" in candidate.judged().dropped[record.digest]


def test_revoked_evidence_counts_no_more_and_takes_what_lists_it_along(candidate: Candidate) -> None:
    said = stated(candidate, "risk-record")
    judgement = candidate.approved()
    rollout = candidate.world.rollout(judgement)
    candidate.world.revoke(said.digest, "risk record")
    assert said.digest not in candidate.judged().kinds
    assert people(candidate) == []
    with pytest.raises(ChainRevoked, match="risk record"):
        judge_move(
            candidate.world.follower,
            candidate.world.root,
            candidate.world.policy,
            move=rollout.digest,
            card=card_digest(candidate.files),
            now_ns=candidate.world.now_ns(),
        )


def test_an_older_statement_does_not_step_in_for_a_revoked_one(candidate: Candidate) -> None:
    stated(candidate, "risk-record")
    newer = stated(candidate, "risk-record", "edited")
    candidate.world.revoke(newer.digest, "risk record")
    assert "risk-record" not in candidate.judged().kinds.values()


def test_what_runs_goes_on_when_evidence_is_added_later(candidate: Candidate) -> None:
    stated(candidate, "model-card")
    rollout = candidate.world.rollout(candidate.approved())
    stated(candidate, "model-card", "edited")
    stated(candidate, "fairness")
    package = verify(
        candidate.world.follower,
        candidate.world.root,
        candidate.world.policy,
        rollout=rollout.digest,
        files=candidate.files,
        signature=candidate.signature,
        now_ns=candidate.world.now_ns(),
    )
    assert package.version.number == 1


def test_a_rollout_that_leaves_evidence_out_or_adds_some_is_refused(candidate: Candidate) -> None:
    stated(candidate, "fairness")
    judgement = candidate.approved()
    more = [*judgement.evidence, digest_of("made up")]
    rollout = candidate.world.rollout(judgement, evidence=more)
    with pytest.raises((WrongSubject, SignatureInvalid)):
        judge_move(
            candidate.world.follower,
            candidate.world.root,
            candidate.world.policy,
            move=rollout.digest,
            card=card_digest(candidate.files),
            now_ns=candidate.world.now_ns(),
        )


def test_a_statement_about_another_package_is_none_of_this_version(candidate: Candidate) -> None:
    candidate.world.evidence(digest_of("other package"), "fairness")
    assert chain(candidate.world.follower, candidate.version.digest).evidence == ()


def test_a_statement_stands_under_its_own_package_and_type(candidate: Candidate) -> None:
    package = package_digest(candidate.files)
    said = stated(candidate, "fairness").fact
    with pytest.raises(BadRequest):
        candidate.world.say(said.kind, f"evidence/{package}/risk-record", dict(said.body))
    with pytest.raises(BadRequest):
        candidate.world.evidence(package, "opinion")
