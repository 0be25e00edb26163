"""What a run's fact says must come from what was asked for and uploaded: not from rows, nor from other runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from assay.contracts import PersonId, SpiffeId, sha256_hex
from assay.database import engine
from assay.errors import ServiceError
from assay.web.caller import Caller
from services.training import usecases
from services.training.adapters import runs_table
from services.training.domain import State
from services.training.errors import NotYourRun, RowContradictsProcess, TooManyOutputs, UnknownGraph
from services.training.ports import Ended
from services.training.usecases import MOST_GRAPHS
from tests.support.ledger import DOMAIN
from tests.unit.training.lab import Lab, dana, offer, opened
from tests.unit.training.made import graph


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "ledger").mkdir()
    with opened(tmp_path / "ledger") as ground:
        yield ground.lab(tmp_path)


def _edit(lab: Lab, before: str, after: str) -> None:
    with engine(f"sqlite:///{lab.folder}/training.db").begin() as connection:
        values = {"before": before, "after": after}
        connection.execute(sa.text("UPDATE runs SET document = replace(document, :before, :after)"), values)


@pytest.mark.parametrize(
    ("before", "after"),
    [("p-dana", "p-amir"), (sha256_hex(graph()), "1" * 64), ('"seed": 7', '"seed": 8')],
    ids=["contributor", "graph", "parameter"],
)
@pytest.mark.threat("T-DAT-06")
def test_an_edited_row_of_a_run_under_way_becomes_no_fact(lab: Lab, before: str, after: str) -> None:
    training = lab.training()
    run = lab.offered(training)
    _edit(lab, before, after)
    with pytest.raises(RowContradictsProcess):
        training.hear(run, Ended(None))
    assert lab.follower.head(f"run/{run}") is None


@pytest.mark.control("T-DAT-06")
def test_control_where_rows_are_not_compared_an_edited_one_becomes_a_fact(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = lab.training()
    run = lab.offered(training)
    monkeypatch.setattr(runs_table, "_digest", lambda _: "")
    training.runs._written.clear()  # type: ignore[attr-defined] # the table's
    _edit(lab, "p-dana", "p-amir")
    training.hear(run, Ended(None))
    head = lab.follower.head(f"run/{run}")
    assert head is not None
    assert "p-amir" in str(head.fact.body)


@pytest.mark.threat("T-DAT-06")
def test_a_row_that_claims_to_be_finishing_becomes_no_fact_at_a_restart(lab: Lab) -> None:
    first = lab.training()
    run = lab.offered(first)
    forged = first.runs.get(run).finishing({"final": "1" * 64}, "2026-01-02T03:05:05.000Z")
    first.runs.put(dataclasses.replace(forged, person="p-amir"))
    again = lab.training()
    again.restore(again.unfinished())
    assert again.view(run).state is State.FAILED
    assert lab.follower.head(f"run/{run}") is None


@pytest.mark.threat("T-DAT-06")
def test_a_run_cannot_offer_what_another_run_made(lab: Lab) -> None:
    training = lab.training()
    lab.offered(training)
    other = lab.started(training)
    told = {"graph": sha256_hex(graph()), "claims": {}, "threshold": 0.5}
    with pytest.raises(UnknownGraph):
        training.take(other, "candidates/final.json", json.dumps(told).encode())
    offer(training, other, claims={})
    assert training.view(other).offered[0].graph == sha256_hex(graph())


@pytest.mark.threat("T-DES-07")
def test_a_run_cannot_fill_the_disk_with_graphs(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    for number in range(MOST_GRAPHS):
        training.take(run, "candidates/x.onnx", b"%d" % number)
    training.take(run, "candidates/x.onnx", b"0")
    with pytest.raises(TooManyOutputs):
        training.take(run, "candidates/x.onnx", b"one more")


@pytest.mark.control("T-DES-07")
def test_control_without_a_limit_one_more_graph_is_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecases, "MOST_GRAPHS", 10**9)
    training = lab.training()
    run = lab.started(training)
    for number in range(MOST_GRAPHS + 1):
        training.take(run, "candidates/x.onnx", b"%d" % number)
    assert training.view(run).id == run


def _person(name: str, *roles: str) -> Caller:
    return Caller(SpiffeId(DOMAIN, f"/people/{name}"), PersonId(name), frozenset(roles))


@pytest.mark.threat("T-REG-05")
def test_a_run_is_ended_by_who_started_it_or_an_administrator_alone(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    for stranger in (_person("p-eve", "data-scientist"), _person("p-amir", "approver")):
        with pytest.raises(NotYourRun):
            training.cancel(run, by=stranger)
    assert lab.clusters.stopped == []
    training.cancel(run, by=_person("p-ada", "administrator"))
    other = lab.started(training)
    training.cancel(other, by=dana())
    assert lab.clusters.stopped == [run, other]


@pytest.mark.threat("T-REG-05")
def test_a_run_nobody_knows_is_ended_by_nobody(lab: Lab) -> None:
    with pytest.raises(ServiceError):
        lab.training().cancel("run-0", by=_person("p-ada", "administrator"))
