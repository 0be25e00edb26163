"""A voice that is lent stays one voice: lending makes nobody count twice, and nobody speaks over who came back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from assay.custody import approvals, judging
from assay.custody.errors import GateNotMet
from assay.errors import Forbidden, SignatureInvalid
from assay.policy import OpaWasm
from assay.web.caller import Caller
from services.registry.delegating import Delegating
from tests.unit.custody.world import MODEL
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import PROD, Desk
from tests.unit.registry.test_delegating import away, hand_on, soon

__all__ = ["away", "desk", "registered"]
QUARTER = 15 * 60  # seconds


def long_ago(by: Caller) -> Caller:
    """Return the same person with a certificate of a sign-in that is over a quarter of an hour old."""
    return replace(by, signed_in=time.time() - QUARTER - 5)


def decides_late(desk: Desk) -> None:
    hand_on(desk)
    desk.deciding.hand_in(desk.signed("dora"), by=long_ago(desk.person("dora")))


def hands_on_late(desk: Desk) -> None:
    delegating, by = Delegating(desk.registry), desk.person("bea")
    said = delegating.statement(to="p-dora", role="approver", until=soon(desk, days=1), by=by)
    delegating.hand_in(desk.world.people["bea"].passkey.assert_(said), by=long_ago(by))


def lent_on(desk: Desk) -> None:
    """Bea lets amir decide, amir lets dora: he speaks for bea and she for him, one approver in all."""
    of_bea, of_amir = hand_on(desk, "bea", "amir"), hand_on(desk, "amir", "dora")
    judgement = desk.registry.judged(MODEL, 1, PROD)
    desk.world.approve(judgement, "dora", delegation=of_amir)
    desk.world.approve(judgement, "amir", delegation=of_bea)


def over_who_came_back(desk: Desk) -> None:
    """Bea comes back and says no to what dora said yes to for her."""
    desk.say("amir")
    hand_on(desk)
    desk.say("dora")
    desk.say("bea", verb="reject")


SPOKEN = {"a voice lent on": lent_on, "over who came back": over_who_came_back}


def gets_in(desk: Desk, attack: Callable[[Desk], None]) -> bool:
    attack(desk)
    try:
        desk.promote()
    except GateNotMet:
        return False
    return True


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("attack", SPOKEN.values(), ids=SPOKEN.keys())
def test_a_voice_that_is_lent_stays_its_holders(away: Desk, attack: Callable[[Desk], None]) -> None:
    assert not gets_in(away, attack)


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("attack", SPOKEN.values(), ids=SPOKEN.keys())
def test_control_where_holders_are_not_asked_what_they_said_it_counts_beside_theirs(
    away: Desk, attack: Callable[[Desk], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = judging._counted
    monkeypatch.setattr(approvals, "require_silent", lambda *_: None)
    monkeypatch.setattr(
        judging, "_counted", lambda one: {k: v for k, v in counted(one).items() if k != "holder"}
    )
    assert gets_in(away, attack)


@pytest.mark.threat("T-REG-12")
def test_the_ledger_takes_no_word_for_somebody_who_has_spoken(away: Desk) -> None:
    fact = hand_on(away)
    away.say("bea", verb="reject")
    with pytest.raises(SignatureInvalid, match="spoken for themselves"):
        away.world.approve(away.registry.judged(MODEL, 1, PROD), "dora", delegation=fact)


@pytest.mark.control("T-REG-12")
def test_control_who_has_not_spoken_is_spoken_for(away: Desk) -> None:
    away.say("amir")
    away.world.approve(away.registry.judged(MODEL, 1, PROD), "dora", delegation=hand_on(away))
    away.promote()


LATE = {"decides": decides_late, "hands on": hands_on_late}


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("attack", LATE.values(), ids=LATE.keys())
def test_an_old_sign_in_decides_nothing_for_others_and_hands_nothing_on(
    away: Desk, attack: Callable[[Desk], None]
) -> None:
    size = away.world.log.acknowledged
    with pytest.raises(Forbidden, match="signed in"):
        attack(away)
    assert away.world.log.acknowledged <= size + 1  # the delegation that stands before the late decision


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("attack", LATE.values(), ids=LATE.keys())
def test_control_where_nobody_asks_when_they_signed_in_it_is_taken(
    away: Desk,
    attack: Callable[[Desk], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OpaWasm, "require", lambda *_: None)
    attack(away)
