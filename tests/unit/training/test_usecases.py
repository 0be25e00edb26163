"""Runs from their start to their fact, on a real ledger."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from assay.contracts import SpiffeId
from assay.custody import from_tar, package_digest, read_provenance, to_tar
from assay.database import engine
from assay.errors import NotFound, Unavailable
from assay.web.caller import Caller
from services.training.domain import State
from services.training.errors import (
    BadOutput,
    ClusterFailed,
    InputRevoked,
    NoGrant,
    NoPerson,
    RowContradictsFact,
    RunIsOver,
    TooManyRuns,
    UnknownCheckpoint,
    UnknownFeatureSet,
    UnknownRun,
)
from services.training.ports import Ended, Started
from tests.unit.training.lab import Lab, dana, offer, revoke
from tests.unit.training.made import graph

# ---- starting


def test_a_run_is_started_in_a_persons_name_who_handed_a_grant_over(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    assert lab.clusters.started == [run]
    seen = training.view(run)
    assert (seen.person, seen.state, seen.seed) == ("p-dana", State.STARTING, 7)
    assert lab.mlflow.runs[seen.mlflow_run]["grant"] == "a grant"


def test_nobody_but_a_person_starts_a_run_and_not_without_a_grant(lab: Lab) -> None:
    training = lab.training()
    service = Caller(SpiffeId.parse("spiffe://assay.demo/svc/core/registry"), None, frozenset())
    with pytest.raises(NoPerson):
        training.start(lab.asked(), by=service)
    with pytest.raises(NoGrant):
        training.start(lab.asked(), by=dana(handed=None))
    assert lab.mlflow.runs == {}
    assert all(run.is_over for run in training.views())


def test_a_run_of_unknown_or_revoked_rows_is_not_started(lab: Lab) -> None:
    training = lab.training()
    with pytest.raises(UnknownFeatureSet):
        training.start(lab.asked(feature_set="9" * 64), by=dana())
    revoke(lab, lab.feature_set)
    with pytest.raises(InputRevoked, match="a drill"):
        training.start(lab.asked(), by=dana())


def test_a_run_of_a_set_one_of_whose_batches_was_revoked_is_not_started(lab: Lab) -> None:
    revoke(lab, lab.batch)
    with pytest.raises(InputRevoked):
        lab.training().start(lab.asked(), by=dana())


def test_no_more_runs_are_under_way_than_the_machine_takes(lab: Lab) -> None:
    training = lab.training()
    runs = [lab.started(training) for _ in range(2)]
    with pytest.raises(TooManyRuns):
        lab.started(training)
    training.cancel(runs[0], by=dana())
    lab.started(training)


def test_a_run_mlflow_cannot_show_is_not_started(lab: Lab) -> None:
    training = lab.training()
    lab.mlflow.down = True
    with pytest.raises(Unavailable):
        lab.started(training)
    assert all(run.is_over for run in training.views())
    assert lab.clusters.started == []


# ---- what a run gives


def test_reports_reach_mlflow_once_and_its_absence_fails_nothing(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    for step in (0, 1, 1, 0):
        training.take(run, f"reports/{step}.json", b'{"metrics": {"train_loss": 0.5}}')
    lab.mlflow.down = True
    training.take(run, "reports/2.json", b'{"metrics": {"train_loss": 0.4}}')
    seen = training.view(run)
    assert [step for step, _ in lab.mlflow.runs[seen.mlflow_run]["steps"]] == [0, 1]
    assert (seen.step, seen.metrics) == (2, {"train_loss": 0.4})


def test_a_checkpoint_comes_back_to_the_run_that_gave_it(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    with pytest.raises(UnknownCheckpoint):
        training.newest_checkpoint(run)
    state = to_tar({"state.safetensors": b"weights"})
    training.take(run, "checkpoints/3.tar", state)
    assert training.newest_checkpoint(run) == state


@pytest.mark.parametrize(
    "path",
    ["", "x", "reports/a.json", "reports/1.txt", "candidates/x.py", "checkpoints/1.bin", "../x", "reports/"],
)
def test_what_is_no_output_is_refused(lab: Lab, path: str) -> None:
    training = lab.training()
    with pytest.raises(BadOutput):
        training.take(lab.started(training), path, b"{}")


def test_a_candidate_whose_graph_was_not_uploaded_is_refused(lab: Lab) -> None:
    training = lab.training()
    told = {"graph": "1" * 64, "claims": {}, "threshold": 0.5}
    with pytest.raises(NotFound):
        training.take(lab.started(training), "candidates/final.json", json.dumps(told).encode())


def test_what_a_run_says_of_its_failure_ends_it_and_its_process(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    training.take(run, "failure.json", b'{"title": "ScriptFailed", "detail": "ValueError: no"}')
    training.hear(run, Ended(ClusterFailed("killed")))
    seen = training.view(run)
    assert (seen.state, seen.error) == (State.FAILED, "ScriptFailed: ValueError: no")
    assert lab.clusters.stopped == [run]
    with pytest.raises(RunIsOver):
        training.take(run, "candidates/final.onnx", graph())
    assert lab.follower.head(f"run/{run}") is None


# ---- how a run ends


def test_a_run_that_offered_becomes_a_fact_with_everybody_who_had_a_hand_in_it(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    training.hear(run, Started("starting workers"))
    training.hear(run, Ended(None))
    seen = training.view(run)
    assert (seen.state, seen.error) == (State.SUCCEEDED, None)
    record = lab.follower.head(f"run/{run}")
    assert record is not None
    assert record.digest == seen.fact
    told = read_provenance(record.fact)
    assert set(told.contributors) == {"p-dana", "p-batch-pusher", "p-feature-author"}
    (offered,) = seen.offered
    assert package_digest(from_tar(training.package(run, "final"))) == offered.package
    assert lab.mlflow.runs[seen.mlflow_run]["end"][0] is True
    assert set(lab.mlflow.runs[seen.mlflow_run]["files"]) == {"final"}


def test_a_script_that_offers_nothing_makes_no_fact(lab: Lab) -> None:
    training = lab.training()
    run = lab.started(training)
    training.hear(run, Ended(None))
    assert (training.view(run).error or "").startswith("NothingOffered")
    assert lab.follower.head(f"run/{run}") is None


@pytest.mark.parametrize(
    ("model", "name"),
    [(b"not a graph", "MalformedFile"), (b"\x80\x04pickle", "PickleRefused"), (graph(width=2), "WrongPorts")],
)
def test_a_candidate_that_is_no_model_makes_no_fact(lab: Lab, model: bytes, name: str) -> None:
    training = lab.training()
    run = lab.offered(training, model)
    training.hear(run, Ended(None))
    assert (training.view(run).error or "").startswith(name)
    assert lab.follower.head(f"run/{run}") is None


def test_a_feature_set_revoked_while_the_run_was_under_way_makes_no_fact(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    revoke(lab, lab.feature_set)
    training.hear(run, Ended(None))
    assert (training.view(run).error or "").startswith("InputRevoked")


def test_a_run_waits_for_a_ledger_that_is_away_and_a_lost_answer_is_one_fact(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    lab.ledger.away, lab.ledger.lost = 2, 1
    training.hear(run, Ended(None))
    assert training.view(run).state is State.SUCCEEDED
    assert len(lab.pauses) == 3
    assert len(lab.follower.records(about_prefix=f"run/{run}")) == 1


def test_nothing_is_added_to_a_run_that_was_cancelled(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    training.cancel(run, by=dana())
    training.hear(run, Ended(None))
    assert (training.view(run).error or "").startswith("Cancelled: p-dana")
    assert lab.follower.head(f"run/{run}") is None
    with pytest.raises(RunIsOver):
        offer(training, run, claims={})


# ---- what lasts


def test_what_succeeded_is_rebuilt_from_the_ledger_when_the_database_is_gone(lab: Lab) -> None:
    first = lab.training()
    run = lab.offered(first)
    first.take(run, "reports/4.json", b'{"metrics": {"validation_auc": 0.7}}')
    first.hear(run, Ended(None))
    known = first.view(run)
    rebuilt = lab.training("another.db").view(run)
    assert rebuilt.beside(known) == known
    assert lab.training("another.db").package(run, "final") == first.package(run, "final")


def test_an_edited_row_is_refused_and_packages_are_what_the_fact_names(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    training.hear(run, Ended(None))
    true = training.package(run, "final")
    with engine(f"sqlite:///{lab.folder}/training.db").begin() as connection:
        connection.execute(sa.text("UPDATE runs SET document = replace(document, 'p-dana', 'p-amir')"))
    with pytest.raises(RowContradictsFact):
        training.view(run)
    assert training.package(run, "final") == true


def test_a_flipped_byte_of_a_package_is_refused(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    training.hear(run, Ended(None))
    kept = lab.folder / "objects" / "sha256"
    graphs = [path for path in kept.rglob("*") if path.is_file() and path.read_bytes() == graph()]
    graphs[0].write_bytes(graph()[:-1] + b"\x00")
    with pytest.raises(Exception, match="SHA-256"):
        training.package(run, "final")


def test_after_a_restart_a_run_without_a_process_is_failed(lab: Lab) -> None:
    run = lab.offered(lab.training())
    again = lab.training()
    again.restore(again.unfinished())
    assert (again.view(run).error or "").startswith("RunLost")


def test_after_a_restart_a_run_that_was_becoming_a_fact_becomes_the_same_fact(lab: Lab) -> None:
    training = lab.training()
    run = lab.offered(training)
    lab.ledger.away = 1000
    training.runs.change(run, lambda r: r.finishing(training.finisher.package(r), "2026-01-02T03:05:05.000Z"))
    with pytest.raises(Unavailable):
        training.finisher.append(training.runs.get(run))
    lab.ledger.away = 0
    again = lab.training()
    again.restore(again.unfinished())
    assert again.view(run).state is State.SUCCEEDED


def test_a_run_started_after_a_restart_is_not_taken_for_a_lost_one(lab: Lab) -> None:
    training = lab.training()
    left = training.unfinished()
    run = lab.started(training)
    training.restore(left)
    assert training.view(run).error is None


def test_a_machine_that_starts_no_process_fails_the_run_and_says_so(lab: Lab) -> None:
    training = lab.training()
    lab.clusters.broken = OSError("no space left")
    with pytest.raises(Unavailable, match="no space left"):
        lab.started(training)
    (run,) = [each for each in training.views() if each.feature_set == lab.feature_set]
    assert (run.error or "").startswith("ClusterFailed")


def test_there_is_no_run_nobody_started(lab: Lab) -> None:
    training = lab.training()
    with pytest.raises(UnknownRun):
        training.view("run-0000000000000000")
    with pytest.raises(UnknownRun):
        training.take("run-0000000000000000", "candidates/x.onnx", b"x")
    with pytest.raises(UnknownCheckpoint):
        training.package("run-0000000000000000", "final")
