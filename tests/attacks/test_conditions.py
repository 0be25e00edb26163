"""Getting a model to answer where, or after, its approvers said it must not. The conditions stand in what they signed.

Version 2 stands registered and measured. Its approvers limit their words; the attackers may do what the registry and
serving may, and edit the registry's tables. Beside each attack stands its control: where what stops it is taken out,
the predictor answers with version 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Conditions, FactKind
from assay.custody import judging
from assay.errors import ServiceError
from assay.ledger import admission
from services.predictor.app import never_before
from services.predictor.endpoint import Endpoint
from tests.attacks import unguarded
from tests.attacks.stand import Stand
from tests.attacks.unguarded import STANDING
from tests.attacks.ways import Attack
from tests.unit.custody.world import ENDPOINT, MODEL
from tests.unit.registry.desk import PROD

ELSEWHERE: dict[str, Any] = {"endpoints": ["cards"]}
HERE: dict[str, Any] = {"endpoints": [ENDPOINT]}


@pytest.fixture
def stand(tmp_path: Path) -> Iterable[Stand]:
    made = Stand(tmp_path)
    STANDING[:] = [made]
    yield made
    made.close()


def said(stand: Stand, name: str, **conditions: object) -> None:
    """Have somebody approve version 2 under conditions."""
    desk = stand.desk
    signed = desk.signed(name, 2, changed={"conditions": conditions})
    desk.deciding.hand_in(signed, by=desk.person(name))


def limited(stand: Stand, amirs: dict[str, Any], beas: dict[str, Any]) -> None:
    said(stand, "amir", **amirs)
    said(stand, "bea", **beas)


def words_of(stand: Stand, number: int = 2) -> list[str]:
    """Return the approvals of a version, whether they count or not."""
    prefix = f"approval/{MODEL}/{number}/"
    return [one.digest for one in stand.desk.world.follower.records(FactKind.APPROVAL, prefix)]


def asked_of_serving(stand: Stand) -> None:
    limited(stand, ELSEWHERE, ELSEWHERE)
    stand.roll_out(number=2)


def said_with_servings_key(stand: Stand) -> None:
    limited(stand, ELSEWHERE, {})
    stand.say_rollout(**stand.names(2), approvals=words_of(stand))


def two_that_differ(stand: Stand) -> None:
    limited(stand, HERE, ELSEWHERE)
    stand.say_rollout(**stand.names(2), approvals=words_of(stand))


def endpoint_renamed(stand: Stand) -> None:
    """The rollout of one endpoint says that it is of the other, which was approved."""
    limited(stand, ELSEWHERE, ELSEWHERE)
    stand.say_rollout(**stand.names(2), approvals=words_of(stand), endpoint="cards")


def tables_edited(stand: Stand) -> None:
    """The rows of the words become those of version 1, which were given without conditions."""
    limited(stand, ELSEWHERE, ELSEWHERE)
    for person in ("p-amir", "p-bea"):
        head = stand.desk.world.follower.head(f"approval/{MODEL}/1/prod/{person}")
        assert head is not None
        stand.desk.execute(
            f"UPDATE word SET fact = '{head.digest}' WHERE number = 2 AND person = '{person}'"  # noqa: S608 - the attack
        )
    stand.say_rollout(**stand.names(2), approvals=words_of(stand))


def stripped(stand: Stand) -> None:
    """The registry's key carries what amir signed, without the condition he signed."""
    said(stand, "bea")
    signed = stand.desk.signed("amir", 2, changed={"conditions": ELSEWHERE})
    bare = signed.model_copy(update={"statement": {**signed.statement, "conditions": {}}})
    stand.desk.world.decide(bare, stand.desk.registry.judged(MODEL, 2, PROD))
    stand.roll_out(number=2)


def after_its_end(stand: Stand) -> None:
    limited(stand, until(stand, 10), {})
    stand.desk.world.start += timedelta(minutes=10)
    stand.roll_out(number=2)


def goes_on_after_its_end(stand: Stand) -> None:
    """It was rolled out in time; from then on nobody says anything more."""
    limited(stand, until(stand, 10), {})
    stand.roll_out(number=2)
    stand.desk.world.start += timedelta(minutes=10)


def until(stand: Stand, minutes: int) -> dict[str, Any]:
    return {"until": stand.desk.world.now_ns() // 1_000_000_000 + minutes * 60}


def no_conditions(patch: pytest.MonkeyPatch) -> None:
    """Have nobody judge conditions."""
    counted = judging._counted
    patch.setattr(judging, "_counted", lambda one: {**counted(one), "conditions": {}})
    patch.setattr(Conditions, "unmet", lambda *_: [])


def any_endpoint(patch: pytest.MonkeyPatch) -> None:
    """Have ledger and loaders take a rollout that speaks of another endpoint than it is about."""
    patch.setattr(admission, "check_about", lambda *_: None)
    patch.setattr(chain_module(), "_about", lambda fact, _body: fact.about)


def chain_module() -> Any:  # noqa: ANN401 - the package has a function of that name
    return unguarded.chain


def any_words(patch: pytest.MonkeyPatch) -> None:
    """Have ledger and loaders take a statement that nobody signed."""
    unguarded.any_signer(patch)


WAYS: dict[str, tuple[Attack, Callable[[pytest.MonkeyPatch], None]]] = {
    "asked of serving at another endpoint": (asked_of_serving, no_conditions),
    "said with serving's key at another endpoint": (said_with_servings_key, no_conditions),
    "two approvals whose conditions differ": (two_that_differ, no_conditions),
    "an endpoint renamed": (endpoint_renamed, any_endpoint),
    "words in the registry's tables edited": (tables_edited, no_conditions),
    "the condition stripped from the statement": (stripped, any_words),
    "rolled out after its end": (after_its_end, no_conditions),
    "left alone after its end": (goes_on_after_its_end, no_conditions),
}


def gets_through(stand: Stand, attack: Attack) -> bool:
    with suppress(ServiceError):
        attack(stand)
    return stand.answers_unapproved()


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("way", WAYS)
def test_what_was_approved_on_condition_answers_nowhere_else_and_no_longer(stand: Stand, way: str) -> None:
    assert not gets_through(stand, WAYS[way][0])


@pytest.mark.control("T-REG-12")
@pytest.mark.parametrize("way", WAYS)
def test_control_where_nobody_judges_conditions_it_answers(
    stand: Stand, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack, unguard = WAYS[way]
    unguard(monkeypatch)
    assert gets_through(stand, attack)


@pytest.mark.threat("T-REG-12")
@pytest.mark.parametrize("clocks", ["as they are", "monotonic goes on alone", "wall goes on alone"])
def test_a_clock_that_stands_still_lets_nothing_answer_after_its_end(stand: Stand, clocks: str) -> None:
    """Judged once, in time; then nothing wakes the predictor's judge."""
    wall, monotonic = [stand.desk.world.now_ns()], [0.0]
    endpoint = Endpoint("prod", ENDPOINT, monotonic=lambda: monotonic[0], clock_ns=lambda: wall[0])
    limited(stand, until(stand, 10), {})
    stand.roll_out(number=2)
    answering = stand.endpoint.answering
    assert answering is not None
    endpoint.answer(answering)
    assert endpoint.now().number == 2
    wall[0] += 0 if clocks == "monotonic goes on alone" else 600 * 1_000_000_000
    monotonic[0] += 0 if clocks == "wall goes on alone" else 600
    with pytest.raises(ServiceError, match="was to run until now"):
        endpoint.now()


@pytest.mark.control("T-REG-12")
def test_control_a_judgement_that_does_not_say_its_end_lets_it_answer(stand: Stand) -> None:
    wall = [stand.desk.world.now_ns()]
    endpoint = Endpoint("prod", ENDPOINT, clock_ns=lambda: wall[0])
    limited(stand, until(stand, 10), {})
    stand.roll_out(number=2)
    answering = stand.endpoint.answering
    assert answering is not None
    endpoint.answer(answering)
    endpoint.stands(replace(answering.package.judgement, ends_ns=None))
    wall[0] += 600 * 1_000_000_000
    assert endpoint.now().number == 2


@pytest.mark.threat("T-REG-12")
def test_a_predictor_judges_at_no_earlier_time_than_the_ledgers(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = stand.desk.world.follower
    monkeypatch.setattr("time.time_ns", lambda: 0)
    assert never_before(follower) == follower.checkpoint().time_ms * 1_000_000


@pytest.mark.threat("T-REG-12")
def test_a_lower_tier_gets_no_model_in_with_fewer_signatures(stand: Stand) -> None:
    lowered(stand)
    assert not gets_through(stand, third)


@pytest.mark.control("T-REG-12")
def test_control_where_earlier_tiers_are_forgotten_one_signature_is_enough(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_module(), "_earlier", lambda *_: ())
    lowered(stand)
    assert gets_through(stand, third)


def lowered(stand: Stand) -> None:
    """Register version 3 as of tier low, with one approval."""
    desk = stand.desk
    desk.trained(run="run-3")
    desk.registering.register(MODEL, run="run-3", checkpoint="epoch-3", tier="low", by=desk.person("dana"))
    desk.say("amir", 3)


def third(stand: Stand) -> None:
    stand.say_rollout(**stand.names(3), approvals=words_of(stand, 3))
