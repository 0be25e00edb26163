"""What many tests share, started once: the whole platform (`e2e`, `attacks`), a PostgreSQL, a browser."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from assay import telemetry
from assay_laptop.demo.refusals import Refusals
from assay_laptop.demo.thread import Thread
from assay_laptop.home import Home
from assay_laptop.platform.environment import Timing
from assay_laptop.platform.supervisor import Supervisor
from tests.support import browser as browsers
from tests.support import postgres as postgresql
from tests.support.catalogue import (
    attempts,
    pytest_configure,
    pytest_runtest_setup,
    pytest_terminal_summary,
)
from tests.support.postgres import PostgresServer
from tests.support.receiver import HttpsReceiver
from tests.support.sharing import pytest_xdist_make_scheduler
from tests.unit.identity.authority import Authority

__all__ = [
    "attempts",
    "pytest_configure",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
]

LEASE_SECONDS = 5
NOTHING_SKIPPED = os.environ.get("ASSAY_NOTHING_SKIPPED") == "1"
"""Where every server is at hand, a case that is skipped is a failure."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NOTHING_SKIPPED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be: {report.longrepr}"
    return report


@dataclass(frozen=True)
class Running:
    """A platform on which the main job has run: version 1 was rolled out, then 2, then 1 again."""

    platform: Supervisor
    thread: Thread
    refusals: Refusals
    said: dict[str, str]  # stage -> what it proved


def main_job(thread: Thread) -> dict[str, str]:
    """Run every stage; return what each proved."""
    said = {"log in": thread.log_in(), "pipeline": thread.pipeline(), "gate": thread.gate_is_closed()}
    for number in (1, 2):
        said[f"approve {number}"] = thread.approve(number)
        said[f"roll out {number}"] = thread.roll_out(number)
        said[f"predict {number}"] = thread.predict(number)
    return said | {"roll back": thread.roll_back(), "receipt": thread.export_receipt()}


@pytest.fixture(scope="session")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    """Who is told by webhooks on this machine: whoever starts the platform says where, and who certifies it."""
    folder = tmp_path_factory.mktemp("receiver")
    with HttpsReceiver(Authority(), folder) as made, pytest.MonkeyPatch.context() as said:
        (folder / "ca.pem").write_text(made.authority.ca_pem)
        said.setenv("ASSAY_WEBHOOK_PRIVATE", f"localhost:{made.port}")
        said.setenv("ASSAY_WEBHOOK_CA", str(folder / "ca.pem"))
        yield made


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: HttpsReceiver) -> Iterator[Running]:
    assert receiver.url
    home = Home.at(tmp_path_factory.mktemp("platform") / "home")
    platform = Supervisor(home, Timing(lease=LEASE_SECONDS), say=print)
    thread = Thread(Path(home.path), say=print)
    try:
        platform.up()
        with telemetry.traced("tests", home.telemetry, "main job") as trace:
            said = main_job(thread)
        said["trace"] = trace
        yield Running(platform, thread, Refusals(thread, platform), said)
    finally:
        platform.down()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    found = postgresql.programs()
    if found is None:
        pytest.skip("there is no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    with postgresql.running(found) as server:
        yield server


@pytest.fixture(scope="module")  # while it runs, nothing else may run an event loop in this thread
def browser() -> Iterator[Browser]:
    with browsers.chromium() as running:
        yield running
