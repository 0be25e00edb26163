"""Statements cut short, proofs cut short, proofs made elsewhere, and words said at one moment or on other clocks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from assay.contracts import Assertion, FactKind
from assay.custody import approvals
from assay.errors import ServiceError
from assay.ledger import Root, admission
from services.registry import deciding
from services.registry.deciding import CLOCK_SKEW_SECONDS, Deciding
from tests.support.passkeys import Passkey
from tests.unit.custody.world import MODEL, ORIGIN, World
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import PROD, Desk

__all__ = ["desk", "registered"]
SECOND = 1_000_000_000
ELSEWHERE = "https://localhost:9"


def takes(desk: Desk, proof: Assertion) -> bool:
    """Say whether amir's word is taken at the registry, or counts when its own stolen key says it."""
    with suppress(ServiceError):
        desk.deciding.hand_in(proof, by=desk.person("amir"))
    if not _stands(desk):
        with suppress(ServiceError):
            desk.world.decide(proof, desk.registry.judged(MODEL, 1, PROD))
    return _stands(desk)


def _stands(desk: Desk) -> bool:
    return "p-amir" in {one.person for one in desk.registry.judged(MODEL, 1, PROD).approvals}


def shown(desk: Desk) -> dict[str, object]:
    return desk.signed("amir").statement


# ---- cut short


@pytest.mark.threat("T-REG-12")
def test_a_statement_with_any_of_its_members_left_out_is_no_approval(registered: Desk) -> None:
    whole = shown(registered)
    assert len(whole) >= 18
    for left_out in whole:
        cut = {member: value for member, value in whole.items() if member != left_out}
        assert not takes(registered, registered.world.people["amir"].passkey.assert_(cut)), left_out


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("member", ["signature", "authenticator_data", "client_data", "credential_id"])
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.95])
def test_a_proof_that_is_cut_short_is_no_approval(registered: Desk, member: str, keep: float) -> None:
    proof = registered.signed("amir")
    text = getattr(proof, member)
    assert not takes(registered, proof.model_copy(update={member: text[: int(len(text) * keep)]}))
    assert takes(registered, proof)


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("member", ["tier", "package"])
def test_control_where_members_are_not_compared_a_shorter_statement_counts(
    registered: Desk, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approvals, deciding):
        monkeypatch.setattr(module, "check_statement", lambda *_: None)
    cut = {each: value for each, value in shown(registered).items() if each != member}
    assert takes(registered, registered.world.people["amir"].passkey.assert_(cut))


@pytest.mark.control("T-REG-12")
def test_control_where_proofs_are_not_verified_half_a_signature_counts(
    registered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (approvals, deciding):
        monkeypatch.setattr(module, "check_assertion", lambda *_: None)
    monkeypatch.setattr(admission, "_verify", lambda *_: None)
    proof = registered.signed("amir")
    assert takes(registered, proof.model_copy(update={"signature": proof.signature[:40]}))


# ---- another port of localhost


def told_elsewhere(desk: Desk, origin: str) -> Assertion:
    """Return what amir's own passkey says when a page at `origin` shows it the registry's very words."""
    mine = Passkey("p-amir", ORIGIN)
    desk.world.bind(mine.bound(), by=("ada", "grace"))
    there = Passkey("p-amir", origin, credential_id=mine.credential_id, key=mine.key)
    return there.assert_(shown(desk))


ORIGINS = [
    ELSEWHERE,
    "https://localhost",
    "http://localhost:8443",
    "https://localhost:8443.evil.example",
    "null",
]


@pytest.mark.threat("T-IAM-09")
@pytest.mark.parametrize("origin", ORIGINS)
def test_what_a_passkey_signed_on_another_port_of_this_host_is_no_approval(
    registered: Desk, origin: str
) -> None:
    assert not takes(registered, told_elsewhere(registered, origin))


@pytest.mark.control("T-IAM-09")
@pytest.mark.parametrize("origin", [ORIGIN, ELSEWHERE])
def test_control_on_a_port_that_the_root_names_it_is_one(tmp_path: Path, origin: str) -> None:
    trusting = Desk(World(tmp_path, origins=(ORIGIN, ELSEWHERE)), tmp_path)
    trusting.trained()
    trusting.register()
    assert takes(trusting, told_elsewhere(trusting, origin))


@pytest.mark.control("T-IAM-09")
def test_control_where_nobody_asks_where_it_was_signed_any_port_would_do(
    registered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = told_elsewhere(registered, ELSEWHERE)
    monkeypatch.setattr(Root, "verify_person", lambda *_: None)
    assert takes(registered, proof)


# ---- at one moment


def test_two_approvers_at_the_same_moment_both_count_and_once_each(registered: Desk) -> None:
    """Amir's word gets into the log between the look at bea's and its append, from the same log that both saw."""
    his, hers = registered.signed("amir"), registered.signed("bea")
    assert his.statement["log_size"] == hers.statement["log_size"]
    raced = registered.raced_by(lambda: registered.deciding.hand_in(his, by=registered.person("amir")))
    replace(registered.deciding, registry=raced).hand_in(hers, by=registered.person("bea"))
    after = registered.registry.judged(MODEL, 1, PROD)
    assert after.verdict.passed
    assert sorted(one.person for one in after.approvals) == ["p-amir", "p-bea"]


def test_one_who_is_taken_in_twice_at_the_same_moment_counts_once(registered: Desk) -> None:
    """Two windows, two sheets, one person: the second takes the first's place."""
    first, second = registered.signed("amir"), registered.signed("amir")
    by = registered.person("amir")
    raced = registered.raced_by(lambda: registered.deciding.hand_in(first, by=by))
    said = replace(registered.deciding, registry=raced).hand_in(second, by=by)
    assert said.fact.previous is not None
    after = registered.registry.judged(MODEL, 1, PROD)
    assert [one.record.digest for one in after.approvals] == [said.digest]
    assert not after.verdict.passed


def test_a_word_and_the_withdrawal_of_it_at_the_same_moment_leave_one_or_the_other(registered: Desk) -> None:
    registered.say("bea")
    registered.say("amir")
    back, by = registered.signed("amir", verb="withdraw"), registered.person("amir")
    raced = registered.raced_by(lambda: registered.deciding.hand_in(back, by=by))
    again = registered.signed("amir", changed={"nonce": "again"})
    replace(registered.deciding, registry=raced).hand_in(again, by=by)
    head = registered.world.log.head(f"approval/{MODEL}/1/prod/p-amir")
    assert head is not None
    assert head.kind is FactKind.APPROVAL
    assert registered.registry.judged(MODEL, 1, PROD).verdict.passed


# ---- on another clock


def on_a_clock(desk: Desk, off: int) -> Deciding:
    """Return the registry as a replica whose clock is off by some seconds."""
    return replace(
        desk.deciding, registry=replace(desk.registry, now_ns=lambda: desk.world.now_ns() + off * SECOND)
    )


def said_on(desk: Desk, off: int) -> Assertion:
    """Return what amir signs of what such a replica shows."""
    by = desk.person("amir")
    said = on_a_clock(desk, off).statement(MODEL, 1, PROD, verb="approve", role="approver", by=by)
    return desk.world.people["amir"].passkey.assert_(said)


@pytest.mark.parametrize("off", [-CLOCK_SKEW_SECONDS, -1, 0, 1, CLOCK_SKEW_SECONDS - 1])
def test_clocks_a_little_off_cost_nobody_their_word(registered: Desk, off: int) -> None:
    assert takes(registered, said_on(registered, off))


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("off", [CLOCK_SKEW_SECONDS + 60, 86_400, -40 * 86_400])
def test_a_word_shown_on_a_clock_far_off_does_not_count_on_ours(registered: Desk, off: int) -> None:
    proof = said_on(registered, off)
    with suppress(ServiceError):
        on_a_clock(registered, off).hand_in(proof, by=registered.person("amir"))
    assert not takes(registered, proof)


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("off", [CLOCK_SKEW_SECONDS + 60, -40 * 86_400])
def test_control_on_that_clock_it_would_count(registered: Desk, off: int) -> None:
    on_a_clock(registered, off).hand_in(said_on(registered, off), by=registered.person("amir"))
    judged = on_a_clock(registered, off).registry.judged(MODEL, 1, PROD)
    assert [one.person for one in judged.approvals] == ["p-amir"]
