"""The demonstration: a throw-away platform, the main job, the attempts, two tables."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from assay import telemetry
from assay.custody.receipt import Node
from assay.errors import ServiceError
from assay_laptop.demo.chromium import Approvers, chromium
from assay_laptop.demo.refusals import Refusals
from assay_laptop.demo.report import Report
from assay_laptop.demo.thread import Thread, failed_in, services_in
from assay_laptop.home import Home
from assay_laptop.platform.environment import Timing
from assay_laptop.platform.supervisor import Supervisor

LEASE_SECONDS = 5
CERTIFICATE_SECONDS = 60
WIDTH_OF_A_FILE = 150
SPANS_WRITTEN_SECONDS = 1.0  # twice the exporters' batch delay


def run(keep: str | None, as_json: str | None) -> bool:
    """Run everything; True when each stage was done and every attempt refused."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    report = Report(console)
    began = time.monotonic()
    with home_for(keep) as home, platform_in(home, console) as platform:
        report.stage("platform", lambda: begin(platform))
        thread = Thread(home.path, say=lambda line: console.print(f"[dim]{line}[/]", highlight=False))
        try:
            with telemetry.traced("demo", home.telemetry, "demo") as trace:
                show_thread(report, thread, platform, console)
            report.stage("one trace", lambda: followed(trace, home))
            show_refusals(report, thread, platform, console)
        except ServiceError as refusal:
            console.print(
                f"[red]{type(refusal).__name__}[/]: {refusal.detail}\nfix: {refusal.fix}", highlight=False
            )
            console.print(f"logs: {home.logs}", highlight=False)
            return False
        show_certificates(platform, console, trace)
    report.print_tables()
    console.print(
        f"{len(report.stages)} stages, {len(report.attempts)} attempts, {time.monotonic() - began:.1f} s in all"
    )
    if as_json:
        tables = {"stages": list(map(asdict, report.stages)), "attempts": list(map(asdict, report.attempts))}
        Path(as_json).write_text(json.dumps(tables, indent=1))
    return report.passed


def begin(platform: Supervisor) -> str:
    """Genesis and start."""
    platform.up()
    servers = ", ".join(f"{name}: {program}" for name, program in platform.servers.items())
    return f"{len(platform.parts)} processes over mTLS; {servers}"


def show_thread(report: Report, thread: Thread, platform: Supervisor, console: Console) -> None:
    """Run the main job."""
    report.stage("people log in", thread.log_in)
    program = chromium()
    thread.browser = None if program is None else Approvers(thread.sessions["ada"].platform, program)
    report.stage("ingest, features, train, register", thread.pipeline)
    report.stage("the same bytes again", thread.same_bytes_again)
    report.stage("a planted future is not used", lambda: thread.future_is_not_used(platform))
    report.stage("evaluated on held-out rows", thread.quality)
    report.stage("an unchanged MLflow client", thread.mlflow_sees_it)
    report.stage("the upstream model_signing command", thread.upstream_verifies)
    report.stage("the gate before anybody signed", thread.gate_is_closed)
    report.stage("approve v1", lambda: thread.approve(1))
    report.stage("roll out v1", lambda: thread.roll_out(1))
    report.stage("predict with v1", lambda: thread.predict(1))
    report.stage("approve v2", lambda: thread.approve(2))
    report.stage("roll out v2", lambda: thread.roll_out(2))
    report.stage("predict with v2", lambda: thread.predict(2))
    report.stage("roll back", thread.roll_back)
    report.stage("export the receipt", thread.export_receipt)
    report.stage("verify it offline", lambda: verified(thread, console))
    report.stage("an evidence pack, verified offline", thread.take_pack)


def show_refusals(report: Report, thread: Thread, platform: Supervisor, console: Console) -> None:
    """Try what must be refused; the last attempt stops the endpoint."""
    refusals = Refusals(thread, platform)
    report.attempt("one byte of the package flipped", refusals.one_byte_of_the_package)
    report.attempt("an approval swapped to another version", refusals.a_swapped_approval)
    report.attempt("signed bytes under another name", refusals.renamed_signed_bytes)
    report.attempt("the registry's database edited", refusals.an_edited_database)
    report.attempt("an alias moved from a stale head", refusals.a_stale_head)
    report.attempt("a call without a certificate", refusals.no_certificate)
    report.attempt("a call by a service that may not", refusals.a_service_that_may_not)
    report.attempt("a spoofed caller header", refusals.a_spoofed_header)
    report.attempt("a control route with OPA down", refusals.opa_down)
    report.attempt("a contributor approves", refusals.the_contributor_approves)
    report.attempt("an approval revoked under a running model", refusals.a_revoked_approval)
    console.print(
        f"the endpoint stopped {refusals.revocation_seconds:.1f} s after the revocation"
        f" (lease {platform.timing.lease} s)",
        highlight=False,
    )


def show_certificates(platform: Supervisor, console: Console, trace: str) -> None:
    """Say how often certificates were renewed meanwhile, and which requests of the main job failed."""
    requests, failed = failed_in(trace, platform.home.path)
    renewed = {name: part.certificates - 1 for name, part in platform.parts.items() if part.certificates}
    console.print(
        f"certificates of {platform.timing.certificate} s: {sum(renewed.values())} renewals in {len(renewed)} parts;"
        f" {requests} requests of the main job, {len(failed)} failed {'; '.join(failed)}",
        highlight=False,
    )


def verified(thread: Thread, console: Console) -> str:
    """Verify the exported receipt and draw its tree."""
    proof = thread.verify()
    for line in drawn(proof.tree):
        console.print(f"    [dim]{line}[/]", highlight=False)
    return proof.valid_as_of


def followed(trace: str, home: Home) -> str:
    """Say whose spans the one trace of the main job holds, once they are written."""
    time.sleep(SPANS_WRITTEN_SECONDS)
    services = services_in(trace, home.path)
    return f"{trace} runs through {len(services)}: {', '.join(services)}"


def drawn(node: Node, depth: int = 0) -> Iterator[str]:
    """Yield a tree's lines."""
    yield f"{'   ' * depth}{'└─ ' if depth else ''}{node.title}  {node.detail}"
    for child in node.children:
        yield from drawn(child, depth + 1)


@contextmanager
def home_for(keep: str | None) -> Iterator[Home]:
    """Give a home: the folder to keep, or a throw-away one."""
    if keep is not None:
        yield Home.at(keep)
        return
    folder = tempfile.mkdtemp(prefix="assay-demo-")
    try:
        yield Home.at(Path(folder) / "home")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def platform_in(home: Home, console: Console) -> Iterator[Supervisor]:
    """Give the platform of a home, ended afterwards."""
    platform = Supervisor(
        home,
        Timing(lease=LEASE_SECONDS, certificate=CERTIFICATE_SECONDS),
        say=lambda line: console.print(f"[dim]{line}[/]"),
    )
    try:
        yield platform
    finally:
        click.echo("ending the platform")
        platform.down()
