"""What stays when parts die, restart, or lose their databases; and what is noticed when the ledger is touched."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from assay.errors import ServiceError, Stale, Unavailable
from assay.ledger import CheckpointMemory, LedgerClient
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from tests.conftest import Running

PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def answers(running: Running) -> dict[str, Any]:
    """What the services say that must not change when their tables are rebuilt."""
    dana = running.thread.sessions["dana"]
    run = running.thread.made["run"]["run"]
    made = running.thread.made["feature_set"]["fact"]
    return {
        "batches": dana.data.batches("statements"),
        "quarantine": dana.data.quarantine("statements", running.thread.made["statements"][0]["fact"]),
        "feature set": dana.service("features").get(f"/v1/feature-sets/{made}")["splits"],
        "run": dana.runs.get(run)["fact"],
        "version": dana.models.version(MODEL, 1),
        "gate": dana.models.gate(MODEL, 2, ENVIRONMENT)["passed"],
        "endpoint": {k: dana.endpoints.get(ENVIRONMENT, ENDPOINT)[k] for k in ("model", "number", "url")},
    }


def eventually(work: Callable[[], T]) -> T:
    """Repeat until nothing is refused; the last refusal counts when the patience ends."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except ServiceError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("service", ["identity", "ingestion", "features", "training", "registry", "serving"])
def test_a_service_that_loses_its_database_gives_the_same_answers_from_facts(
    running: Running, service: str
) -> None:
    before = eventually(lambda: answers(running))
    with running.platform.without(service):
        for path in running.platform.home.data(service).glob(f"{service}.db*"):
            path.unlink()
    assert eventually(lambda: answers(running)) == before


def test_a_part_that_is_killed_is_started_again_and_that_is_said(running: Running) -> None:
    part = running.platform.parts["features"]
    before = part.restarts
    assert part.process is not None
    os.kill(part.process.pid, signal.SIGKILL)
    eventually(lambda: _restarted(running, before))
    assert eventually(lambda: answers(running))["feature set"]


def _restarted(running: Running, before: int) -> None:
    part = running.platform.parts["features"]
    if part.restarts == before or part.state != "ready":
        raise ServiceError(f"features is {part.state}")


def _grown(running: Running, before: int) -> int:
    size = running.thread.sessions["ada"].ledger.checkpoint().size
    if size <= before:
        raise ServiceError("the prediction's journal has not landed yet")
    return size


def test_without_its_witness_predictions_end_with_the_lease_and_come_back_by_themselves(
    running: Running,
) -> None:
    eventually(lambda: running.thread.predict(1))
    with running.platform.without("witness"):
        assert eventually(lambda: _refusal_of_a_prediction(running)) is Stale
    eventually(lambda: running.thread.predict(1))
    eventually(running.thread.sessions["ada"].ledger.checkpoint)


def _refusal_of_a_prediction(running: Running) -> type[ServiceError]:
    try:
        running.thread.predict(1)
    except ServiceError as refusal:
        return type(refusal)
    raise ServiceError("the lease has not ended yet")


def test_a_shortened_ledger_gets_no_checkpoint_and_with_its_own_everything_is_there_after_a_restart(
    running: Running,
) -> None:
    known = eventually(lambda: answers(running))
    store = running.platform.home.data("ledger")
    saved, early = store.with_name("ledger-saved"), store.with_name("ledger-early")
    ada = running.thread.sessions["ada"]
    with running.platform.without("ledger"):
        shutil.copytree(store, early)
    before = eventually(lambda: ada.ledger.checkpoint().size)
    eventually(lambda: running.thread.predict(1))
    grown = eventually(lambda: _grown(running, before))
    try:
        with running.platform.without("ledger"):
            store.rename(saved)
            early.rename(store)
        assert eventually(lambda: _said_by_the_witness(running)) == "LogTruncated"
        never_saw_more = LedgerClient(ada.service("ledger").http, ada.root, CheckpointMemory())
        for client in (ada.ledger, never_saw_more):
            with pytest.raises(Unavailable):
                client.checkpoint()
        assert eventually(lambda: _refused_gate(running))
    finally:
        running.platform.down()
        stopped = not running.platform.home.run.exists()
        shutil.rmtree(store, ignore_errors=True)
        saved.rename(store)
        running.platform.up()
    assert stopped
    assert eventually(ada.ledger.checkpoint).size >= grown
    assert eventually(lambda: answers(running)) == known
    eventually(lambda: running.thread.predict(1))


def _refused_gate(running: Running) -> bool:
    """Say that no gate is judged; until the lease ends, the registry goes by what it saw before."""
    try:
        running.thread.sessions["ada"].models.gate(MODEL, 1, ENVIRONMENT)
    except ServiceError:
        return True
    raise ServiceError("the registry's lease has not ended yet")


def _said_by_the_witness(running: Running) -> str:
    refusal: str = running.platform.parts["witness"].events.get("refused", {}).get("refusal", "")
    if refusal in {"", "Unavailable"}:  # it may ask before the ledger answers again
        raise ServiceError("the witness has not looked at the ledger again yet")
    return refusal
