"""What each failure does: the cells of the table in docs/security-model.md, one test each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.integration.failing.stage import Stage
from tests.integration.serving.platform import LEASE

YES = {"allow": True, "rule": "r", "reason": "x", "fix": ""}


def opa_says(result: object, revision: str) -> bytes:
    answer = {"provenance": {"bundles": {"assay": {"revision": revision}}}}
    return json.dumps(answer if result is None else {"result": result, **answer}).encode()


@dataclass(frozen=True)
class Row:
    """How a part is broken and made whole, and whether a predictor goes on answering meanwhile."""

    break_: Callable[[Stage], None]
    repair: Callable[[Stage], None]
    goes_on: bool


def revoke_login(stage: Stage) -> None:
    stage.serving_login._client.auth.token.revoke_self()


def log_in_again(stage: Stage) -> None:
    """What a part does that is started again: its supervisor mints it a new login."""
    stage.renew_login()


ROWS = {
    "Vault sealed": Row(Stage.seal, Stage.unseal, goes_on=False),
    "Vault gone": Row(Stage.end_vault, Stage.begin_vault, goes_on=False),
    "Vault slow": Row(Stage.pause_vault, Stage.resume_vault, goes_on=False),
    "a login at Vault revoked": Row(revoke_login, log_in_again, goes_on=True),
    "OPA gone": Row(Stage.stop_opa, Stage.start_opa, goes_on=True),
    "OPA slow": Row(Stage.pause_opa, Stage.resume_opa, goes_on=True),
    "OPA garbage": Row(
        lambda stage: stage.impersonate_opa(b"<html>welcome</html>"), Stage.restore_opa, goes_on=True
    ),
    "OPA undefined": Row(
        lambda stage: stage.impersonate_opa(opa_says(None, stage.revision)), Stage.restore_opa, goes_on=True
    ),
    "OPA stale": Row(
        lambda stage: stage.impersonate_opa(opa_says(YES, "0" * 64)), Stage.restore_opa, goes_on=True
    ),
    "ledger down": Row(lambda stage: stage.end("ledger"), lambda stage: stage.begin("ledger"), goes_on=False),
    "ledger's disk full": Row(Stage.fill_disk, Stage.make_room, goes_on=False),
}
STOPPED = {"Stale", "JournalLate"}
REFUSED = {"Unavailable", "LoginEnded", "Undefined", "Stale", "StoreFailed"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module", params=ROWS)
def broken(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Row]:
    """One part broken; whoever repairs it says so by `repaired`."""
    row = ROWS[request.param]
    stage.until(stage.rolls_out)
    stage.until(stage.answers)
    row.break_(stage)
    stage.repaired = False
    yield row
    if not stage.repaired:
        row.repair(stage)


def test_nothing_new_is_allowed(stage: Stage, broken: Row) -> None:
    before = stage.entries()
    answer = stage.roll_out()
    assert answer.status_code == 503, answer.text
    assert answer.json()["title"] in REFUSED
    assert answer.json()["fix"]
    assert stage.entries() == before


def test_running_predictors(stage: Stage, broken: Row) -> None:
    """Those go on whose lease is renewed; the others stop with it, by name."""
    if broken.goes_on:
        time.sleep(LEASE + 1)
        stage.until(stage.answers)  # a busy machine may renew late; one that is not renewed answers no more
    else:
        stage.until(lambda: not stage.answers())
        assert stage.infer().json()["title"] in STOPPED


def test_everything_recovers(stage: Stage, broken: Row) -> None:
    stage.repaired = True
    broken.repair(stage)
    stage.until(stage.rolls_out)
    stage.until(stage.answers)
