"""A voice that is lent stays one voice: lending makes nobody count twice, and nobody speaks over who came back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from assay.errors import Forbidden
from assay.policy import OpaWasm
from assay.web.caller import Caller
from services.registry.delegating import Delegating
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import Desk
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
