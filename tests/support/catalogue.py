"""Attacks by the ids of our catalogue of threats (docs/threats.md): marked one way, counted, told at the end.

@pytest.mark.threat("T-IAM-05")      the attack is tried and refused
@pytest.mark.control("T-IAM-05")     its check is taken away, and the same attack succeeds: the test can bite

A test that tries many times says how often, once all were refused: `attempts(10_000)`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

THREAT, CONTROL, ATTEMPTS = "threat", "control", "attempts"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the two marks."""
    config.addinivalue_line("markers", f"{THREAT}(*ids): an attack of docs/threats.md that must be refused")
    config.addinivalue_line("markers", f"{CONTROL}(*ids): the attack succeeds once its one check is gone")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Carry a test's ids into its report."""
    for kind in (THREAT, CONTROL):
        for mark in item.iter_markers(kind):
            item.user_properties.extend((kind, threat) for threat in mark.args)


@pytest.fixture
def attempts(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Say how many attempts a test made, all of them refused."""
    return lambda number: record_property(ATTEMPTS, number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was attacked, and what was not refused."""
    told = summary(terminalreporter.stats)
    if told:
        terminalreporter.write_line(told)


def summary(stats: dict[str, list[pytest.TestReport]]) -> str:
    """Return the line about a run's attacks; nothing when there were none."""
    passed = [_properties(report) for report in stats.get("passed", []) if report.when == "call"]
    failed = [_properties(report) for report in (*stats.get("failed", []), *stats.get("error", []))]
    cases = [each for each in passed if THREAT in each]
    got_through = sum(THREAT in each for each in failed)
    if not cases and not got_through:
        return ""
    ids = {threat for each in cases for threat in each[THREAT]}
    tries = sum(sum(int(str(n)) for n in each.get(ATTEMPTS, ["1"])) for each in cases)
    controls = sum(CONTROL in each for each in passed)
    refused = f"{got_through} NOT REFUSED" if got_through else "all refused"
    return (
        f"attacks: {len(cases)} cases under {len(ids)} ids ({tries} attempts), {refused}, "
        f"{controls} positive controls"
    )


def _properties(report: pytest.TestReport) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for name, value in getattr(report, "user_properties", []):
        found.setdefault(name, []).append(value)
    return found
