"""The demo's two tables: what was done and proven, and what was tried and refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from assay.errors import ServiceError


@dataclass(frozen=True)
class Stage:
    """One finished stage: what it took and what it proved."""

    name: str
    seconds: float
    proven: str


@dataclass(frozen=True)
class Attempt:
    """One thing that must be refused: by which name, or that it was not."""

    name: str
    refused: bool
    by: str
    reason: str


@dataclass
class Report:
    """Collects stages and attempts and prints them as they end."""

    console: Console
    stages: list[Stage] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[], str]) -> None:
        """Run a stage; `work` returns what it proved in a line. A refusal ends the demo."""
        began = time.monotonic()
        with self.console.status(name):
            proven = work()
        done = Stage(name, time.monotonic() - began, proven)
        self.stages.append(done)
        self.console.print(f"[green]✓[/] {name:<34} {done.seconds:6.1f} s  [dim]{proven}[/]", highlight=False)

    def attempt(self, name: str, work: Callable[[], Any]) -> None:
        """Try what must be refused. Only a named refusal counts: anything else is a failed attempt."""
        try:
            got = work()
        except ServiceError as refusal:
            found = Attempt(
                name,
                refused=type(refusal) is not ServiceError,  # a crash has no name of its own
                by=f"{type(refusal).__name__} {refusal.status}",
                reason=refusal.detail,
            )
        else:
            found = Attempt(name, refused=False, by="NOT REFUSED", reason=str(got)[:200])
        self.attempts.append(found)
        mark = "[green]✓ refused[/]" if found.refused else "[red]✗ NOT REFUSED[/]"
        self.console.print(f"{mark} {name}: [dim]{found.by}[/]", highlight=False)

    @property
    def passed(self) -> bool:
        """Whether there was at least one attempt and every one was refused."""
        return bool(self.attempts) and all(attempt.refused for attempt in self.attempts)

    def print_tables(self) -> None:
        """Print both tables."""
        stages = Table(title="One model, end to end", title_justify="left")
        for heading in ("stage", "seconds", "what was proven"):
            stages.add_column(heading, justify="right" if heading == "seconds" else "left", overflow="fold")
        for stage in self.stages:
            stages.add_row(stage.name, f"{stage.seconds:.1f}", stage.proven)
        self.console.print(stages)
        attempts = Table(title="What was refused", title_justify="left")
        for heading in ("attempt", "refused by", "reason"):
            attempts.add_column(heading, overflow="fold")
        for attempt in self.attempts:
            attempts.add_row(
                attempt.name, attempt.by, attempt.reason, style=None if attempt.refused else "red"
            )
        self.console.print(attempts)
