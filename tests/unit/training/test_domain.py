from __future__ import annotations

from dataclasses import replace

import pytest

from services.training.domain import MOST_CANDIDATES, Offered, State
from services.training.errors import BadOutput, RunIsOver, ScriptFailed, TimeLimit
from tests.unit.training.made import run

AT = "2026-01-02T03:05:05.000Z"


def offered(name: str, package: str | None = None) -> Offered:
    return Offered(name, "d" * 64, {"auc": 0.7}, 0.5, package)


def test_a_report_of_an_older_step_changes_nothing() -> None:
    going = run().reported(3, {"loss": 0.1})
    assert going.reported(2, {"loss": 0.9}) == going
    assert going.step == 3


def test_a_candidate_offered_again_replaces_the_first() -> None:
    again = replace(offered("final"), graph="e" * 64)
    going = run().offering(offered("final")).offering(offered("mid")).offering(again)
    assert [(each.name, each.graph[0]) for each in going.offered] == [("mid", "d"), ("final", "e")]


def test_a_run_offers_no_more_candidates_than_its_fact_holds() -> None:
    going = run()
    for number in range(MOST_CANDIDATES):
        going = going.offering(offered(f"c{number}"))
    assert len(going.offering(offered("c0")).offered) == MOST_CANDIDATES
    with pytest.raises(BadOutput):
        going.offering(offered("one-more"))


def test_a_run_that_is_over_takes_nothing_more_and_stays_as_it_ended() -> None:
    over = run().failed(ScriptFailed("it raised"), AT)
    assert over.error == "ScriptFailed: it raised"
    assert over.failed(TimeLimit("late"), AT) == over
    with pytest.raises(RunIsOver):
        over.reported(1, {})
    with pytest.raises(RunIsOver):
        over.offering(offered("final"))


def test_a_run_that_becomes_a_fact_takes_nothing_more() -> None:
    finishing = run().offering(offered("final")).finishing({"final": "p" * 64}, AT)
    assert finishing.state is State.FINISHING
    assert finishing.offered[0].package == "p" * 64
    with pytest.raises(RunIsOver):
        finishing.offering(offered("late"))
    assert finishing.succeeded("f" * 64).is_over
