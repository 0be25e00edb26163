from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from assay.errors import Forbidden, ServiceError, SignatureInvalid
from assay_laptop.demo.report import Report


@pytest.fixture
def report() -> Report:
    return Report(Console(file=io.StringIO(), width=200))


def printed(report: Report) -> str:
    assert isinstance(report.console.file, io.StringIO)
    return report.console.file.getvalue()


def refuse(refusal: ServiceError) -> Any:  # noqa: ANN401 - what an attempt gets
    raise refusal


def test_when_everything_is_refused_the_report_passes(report: Report) -> None:
    report.attempt("a flipped byte", lambda: refuse(SignatureInvalid("digest differs")))
    report.attempt("a stranger", lambda: refuse(Forbidden("no role")))
    assert report.passed
    assert [(each.by, each.reason) for each in report.attempts] == [
        ("SignatureInvalid 422", "digest differs"),
        ("Forbidden 403", "no role"),
    ]


@pytest.mark.parametrize("got", ["an answer", None, False, 0, [], {"refused": True}])
def test_one_attempt_that_is_not_refused_fails_the_report(report: Report, got: object) -> None:
    report.attempt("a flipped byte", lambda: refuse(SignatureInvalid("digest differs")))
    report.attempt("a stranger", lambda: got)
    report.attempt("a stale head", lambda: refuse(Forbidden("no role")))
    assert not report.passed
    assert report.attempts[1].by == "NOT REFUSED"
    assert "✗ NOT REFUSED a stranger" in printed(report)


def test_a_failure_without_a_name_is_no_refusal(report: Report) -> None:
    report.attempt("a flipped byte", lambda: refuse(SignatureInvalid("digest differs")))
    report.attempt("a stranger", lambda: refuse(ServiceError("Internal Server Error")))
    assert not report.passed


def test_a_failure_of_the_attempt_itself_is_no_refusal(report: Report) -> None:
    def broken() -> None:
        raise KeyError("package")

    with pytest.raises(KeyError):
        report.attempt("a stranger", broken)
    assert not report.passed


def test_a_report_of_no_attempts_does_not_pass(report: Report) -> None:
    report.stage("people log in", lambda: "five certificates")
    assert not report.passed


def test_a_stage_that_is_refused_ends_the_demonstration(report: Report) -> None:
    with pytest.raises(Forbidden):
        report.stage("people log in", lambda: refuse(Forbidden("no role")))
    assert report.stages == []


def test_both_tables_say_everything_that_was_done_and_tried(report: Report) -> None:
    report.stage("people log in", lambda: "five certificates")
    report.attempt("a stranger", lambda: refuse(Forbidden("[red]no role[/]")))
    report.attempt("a flipped byte", lambda: "the bytes")
    report.print_tables()
    text = printed(report)
    for word in (
        "people log in",
        "five certificates",
        "Forbidden 403",
        "no role",
        "NOT REFUSED",
        "the bytes",
    ):
        assert word in text
