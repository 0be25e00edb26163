"""An evidence pack proves what stands about a version with the root alone, as of its checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from assay.contracts import FactKind
from assay.contracts.bodies import EvidenceType
from assay.custody.chain import revoked_dependency
from assay.custody.errors import ChainRevoked, PolicyUnlike, ReceiptTooOld
from assay.custody.pack import TYPES, verify_pack
from assay.custody.pack_page import read_page, render
from assay.errors import ServiceError, SignatureInvalid
from tests.support.members import at, changed_at, leaves
from tests.unit.custody.packs import CARD, Packed, entry_of, shown
from tests.unit.custody.world import World


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return Packed(tmp_path_factory.mktemp("packed"))


@pytest.fixture
def fresh(tmp_path: Path) -> Packed:
    return Packed(tmp_path)


# ---- what it proves


def test_a_pack_verifies_without_a_network(packed: Packed, socket_disabled: None) -> None:
    verified = packed.verify(packed.page, now=packed.now)
    assert verified.chain.body.number == 1
    assert [word.person for word in verified.words if word.why_not is None] == ["p-amir", "p-bea"]
    assert [record.fact.body["type"] for record in verified.chain.evidence] == ["model-card", "risk-record"]
    assert verified.judgement is None
    assert "later statements and revocations unknown" in verified.valid_as_of


def test_with_the_rules_the_gate_is_judged_here(packed: Packed) -> None:
    policy = packed.world.policy
    judged = packed.verify(packed.page, now=packed.now, policy=policy).judgement
    assert judged is not None
    assert judged.verdict.passed is True
    assert "judged here" in packed.verify(packed.page, now=packed.now, policy=policy).tree.detail


def test_a_gate_that_is_not_met_is_told_as_such(fresh: Packed) -> None:
    fresh.world.revoke(fresh.judgement.approvals[0].record.digest, "an approval")
    verified = fresh.verify(policy=fresh.world.policy)
    assert verified.judgement is not None
    assert verified.judgement.verdict.passed is False
    assert "approval" in verified.tree.detail


def test_rules_of_another_revision_judge_nothing(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = packed.world.policy
    verdict = policy.gate
    monkeypatch.setattr(policy, "gate", lambda question: _of_another(verdict(question)))
    with pytest.raises(PolicyUnlike):
        packed.verify(packed.page, now=packed.now, policy=policy)


def _of_another(verdict: Any) -> Any:  # noqa: ANN401 - GateVerdict
    return replace(verdict, revision="f" * 64)


def test_every_type_of_evidence_is_there_or_proven_not_to_be() -> None:
    """A new type of evidence has to be in every pack: that is another type of pack."""
    assert set(TYPES) == set(get_args(EvidenceType))


def test_a_pack_that_is_too_old_or_from_the_future_is_refused(packed: Packed) -> None:
    with pytest.raises(ReceiptTooOld):
        packed.verify(packed.page, now=packed.now + 3600, max_age=60)
    with pytest.raises(SignatureInvalid):
        packed.verify(packed.page, now=packed.now - 4000)


def test_another_root_refuses_it(packed: Packed, tmp_path: Path) -> None:
    with pytest.raises(SignatureInvalid):
        verify_pack(packed.bundle, World(tmp_path).root, now=packed.now)


# ---- what changes with time


def test_a_revoked_piece_of_evidence_and_a_withdrawn_word_show_as_such(fresh: Packed) -> None:
    world = fresh.world
    said = world.people["amir"].passkey.assert_(world.statement(fresh.judgement, "amir", verb="withdraw"))
    world.decide(said, fresh.judgement, FactKind.WITHDRAWAL)
    risk = world.follower.head(f"evidence/{fresh.candidate.version.fact.body['package']}/risk-record")
    assert risk is not None
    world.revoke(risk.digest, "the risk record")
    page = render(fresh.again())
    verified = fresh.verify(page)
    assert [record.fact.body["type"] for record in verified.chain.evidence] == ["model-card"]
    assert "p-amir withdraws" in shown(page)
    assert "the risk record" in shown(page)
    amir, bea = sorted(verified.words, key=lambda word: word.person)
    assert amir.record.kind is FactKind.WITHDRAWAL
    assert bea.why_not is not None
    assert "does not stand" in bea.why_not


@pytest.mark.parametrize("what", ["version", "run", "dependency"])
def test_a_version_that_was_revoked_is_refused(fresh: Packed, what: str) -> None:
    key = {
        "version": fresh.candidate.version.digest,
        "run": fresh.candidate.run.digest,
        "dependency": revoked_dependency("ray@2.60"),
    }[what]
    fresh.world.revoke(key, what)
    with pytest.raises(ChainRevoked):
        fresh.verify()


def test_a_word_for_somebody_who_is_away_is_told_as_that_and_counts_from_the_pack_alone(
    fresh: Packed,
) -> None:
    world = fresh.world
    world.enrol_by("dora", "operator", by=("ada", "grace"))
    world.enrol_by("carl", "approver", by=("ada", "grace"))
    standing = world.delegate("carl", "dora")
    world.approve(fresh.judgement, "dora", delegation=standing.digest)
    page = render(fresh.again())
    verified = fresh.verify(page, policy=world.policy)
    (dora,) = [word for word in verified.words if word.person == "p-dora"]
    assert dora.why_not is None
    assert "as approver, for p-carl, who is away" in shown(page)
    assert verified.judgement is not None
    assert {a.person: a.holder for a in verified.judgement.approvals}["p-dora"] == "p-carl"
    world.revoke(standing.digest, "the delegation")
    (dora,) = [word for word in fresh.verify().words if word.person == "p-dora"]
    assert dora.why_not is not None


def test_a_pack_tells_that_whoever_was_away_has_spoken_since(fresh: Packed) -> None:
    world = fresh.world
    world.enrol_by("dora", "operator", by=("ada", "grace"))
    world.enrol_by("carl", "approver", by=("ada", "grace"))
    lent = world.approve(fresh.judgement, "dora", delegation=world.delegate("carl", "dora").digest)
    world.approve(fresh.candidate.judged(), "carl")
    verified = fresh.verify(policy=world.policy)
    (dora,) = [word for word in verified.words if word.record.digest == lent.digest]
    assert "spoken for themselves" in str(dora.why_not)
    assert verified.judgement is not None
    assert "p-dora" not in {a.person for a in verified.judgement.approvals}


def test_the_newest_statement_of_a_type_is_the_one_in_the_pack(fresh: Packed) -> None:
    newer = fresh.state("model-card", {**CARD, "intended_use": "nothing"})
    verified = fresh.verify()
    assert newer.digest in {record.digest for record in verified.chain.evidence}
    stale = fresh.bundle
    assert verify_pack(stale, fresh.world.root, now=fresh.now).size < verified.size


def test_the_pack_says_where_the_version_stands(fresh: Packed) -> None:
    rollout = fresh.world.rollout(fresh.judgement)
    page = render(fresh.again())
    assert "endpoint/prod/credit" in shown(page)
    without = read_page(page)
    without["proofs"]["entries"].remove(entry_of(without, rollout.digest))
    with pytest.raises(SignatureInvalid):
        verify_pack(without, fresh.world.root, now=fresh.now + 10)


def test_the_same_pack_is_the_same_page(packed: Packed) -> None:
    assert render(json.loads(json.dumps(packed.bundle))) == packed.page


def test_no_member_of_a_pack_can_change_unseen(packed: Packed) -> None:
    """Each leaf, one after the other, replaced by something of its own type; a forger makes the page anew."""
    for path in leaves(packed.bundle):
        value = at(packed.bundle, path)
        if not path or isinstance(value, dict | list):
            continue
        other = value + 1 if isinstance(value, int) else f"{value}A" if isinstance(value, str) else "A"
        with pytest.raises(ServiceError):
            verify_pack(changed_at(packed.bundle, path, "replace", other), packed.world.root, now=packed.now)
