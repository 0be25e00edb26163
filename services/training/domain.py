"""A run: what was asked for, how it goes and how it ended. A rule is a method that returns the next value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Self

from assay.errors import ServiceError
from services.training.errors import BadOutput, RunIsOver

MOST_CANDIDATES: Final = 8  # their claims stand in the run's fact, which is small


class State(StrEnum):
    """How far a run is."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHING = "finishing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OVER = frozenset({State.SUCCEEDED, State.FAILED})


@dataclass(frozen=True)
class Offered:
    """A candidate: its model's digest and threshold, what the run claims, and its package once it is one."""

    name: str
    graph: str  # SHA-256 of the ONNX bytes
    claims: dict[str, float]
    threshold: float
    package: str | None = None


@dataclass(frozen=True)
class Run:
    """One run. Times are RFC 3339 in UTC; `step` is the newest reported, -1 before the first."""

    id: str
    person: str
    model: str
    experiment: str
    feature_set: str
    entry: str
    source: dict[str, str]  # path -> SHA-256
    parameters: dict[str, Any]
    workers: int
    seed: int
    started: str
    mlflow_run: str
    state: State = State.STARTING
    doing: str = "starting a cluster"
    step: int = -1
    metrics: dict[str, float] = field(default_factory=dict)
    offered: tuple[Offered, ...] = ()
    finished: str = ""
    fact: str | None = None
    error: str | None = None
    fix: str | None = None

    def shown_as(self, mlflow_run: str) -> Self:
        """Return this run with the id of its entry in MLflow."""
        return replace(self, mlflow_run=mlflow_run)

    def progressed(self, doing: str) -> Self:
        """Return this run under way, doing something new."""
        return replace(self._going(), state=State.RUNNING, doing=doing)

    def reported(self, step: int, metrics: dict[str, float]) -> Self:
        """Return this run with newer claims; an older step, of before a worker died, changes nothing."""
        going = self._going()
        if step <= self.step:
            return going
        return replace(going, state=State.RUNNING, step=step, metrics=metrics, doing=f"step {step} reported")

    def offering(self, candidate: Offered) -> Self:
        """Return this run with one more candidate, or the same one offered again after a worker died."""
        kept = tuple(each for each in self._going().offered if each.name != candidate.name)
        if len(kept) >= MOST_CANDIDATES:
            raise BadOutput(f"{self.id} offers more than {MOST_CANDIDATES} candidates")
        return replace(self, offered=(*kept, candidate))

    def finishing(self, packages: dict[str, str], at: str) -> Self:
        """Return this run with each candidate's package, about to become a fact."""
        offered = tuple(replace(each, package=packages[each.name]) for each in self._going().offered)
        return replace(self, state=State.FINISHING, doing="becoming a fact", offered=offered, finished=at)

    def succeeded(self, fact: str) -> Self:
        """Return this run with its fact."""
        return replace(self, state=State.SUCCEEDED, doing="done", fact=fact, error=None, fix=None)

    def failed(self, why: ServiceError, at: str) -> Self:
        """Return this run ended by a refusal; a run that is over stays as it ended."""
        if self.state in OVER:
            return self
        told = f"{type(why).__name__}: {why.detail}"
        return replace(self, state=State.FAILED, doing="done", error=told, fix=why.fix, finished=at)

    def beside(self, kept: Run) -> Run:
        """Return this run, read from its fact, with what only the row of it knows: the last step's claims."""
        return replace(self, step=kept.step, metrics=kept.metrics)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.state in OVER

    def _going(self) -> Self:
        if self.is_over or self.state is State.FINISHING:
            raise RunIsOver(f"{self.id} has {self.state}")
        return self
