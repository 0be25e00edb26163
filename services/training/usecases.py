"""What training does: start a run, take what it gives, and make what it made a fact."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from assay.contracts import new_id, sha256_hex
from assay.custody import from_tar, to_tar
from assay.errors import ServiceError, Unavailable
from assay.identity.statements import ADMINISTRATOR
from assay.objects import Objects
from assay.web.caller import Caller
from services.training.asked import Asked
from services.training.domain import Run, State
from services.training.errors import (
    BadOutput,
    Cancelled,
    ClusterFailed,
    NoGrant,
    NoPerson,
    NotYourRun,
    RunLost,
    TooManyOutputs,
    TooManyRuns,
    UnknownCheckpoint,
    UnknownGraph,
)
from services.training.finish import Finisher
from services.training.inputs import Facts, Inputs
from services.training.outputs import candidate_of, failure_of, metrics_of
from services.training.ports import (
    Checkpoints,
    Clusters,
    Credentials,
    Ended,
    Event,
    Experiments,
    Runs,
    Started,
)
from services.training.shelf import Packages

MOST_GRAPHS: Final = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """Every run of the trust domain. `now` is RFC 3339 in UTC, `now_ms` milliseconds since 1970.

    `credentials(run id, feature set)` certifies a run and signs its order.
    """

    facts: Facts
    runs: Runs
    clusters: Clusters
    experiments: Experiments
    checkpoints: Checkpoints
    objects: Objects
    packages: Packages
    finisher: Finisher
    credentials: Callable[[str, str], Credentials]
    now: Callable[[], str]
    now_ms: Callable[[], int]
    max_running: int

    # ---- people

    def start(self, asked: Asked, *, by: Caller) -> Run:
        """Start a run in a person's name; returns once its process is on its way."""
        if by.person is None or by.identity.person is None:
            raise NoPerson(f"{by.identity} is no person")
        if by.handed is None:
            raise NoGrant("no grant was handed over with the request")
        if len(self.unfinished()) >= self.max_running:
            raise TooManyRuns(f"{self.max_running} runs are under way")
        self.facts.catch_up()
        inputs = Inputs.read(self.facts, asked.feature_set)
        run = asked.run(new_id("run"), person=by.person, at=self.now())
        credentials = self.credentials(run.id, inputs.fact)
        self.objects.put_addressed(asked.source.document())
        run = run.shown_as(self.experiments.begin(run, inputs, by.handed))
        self.runs.put(run)
        try:
            self.clusters.start(run, asked.source, inputs, credentials)
        except OSError as error:
            self._end(run.id, ClusterFailed(f"the run's process did not start: {error}"))
            raise Unavailable(f"this machine does not start {run.id}: {error}") from error
        return run

    def view(self, run: str) -> Run:
        """Return a run; one that succeeded is checked against its fact."""
        return self.finisher.checked(self.runs.get(run))

    def views(self) -> list[Run]:
        """Return all runs, newest first."""
        return self.runs.every()

    def package(self, run: str, checkpoint: str) -> bytes:
        """Return a package as a tar, by the digest its run's fact names.

        Raises:
            UnknownCheckpoint: no fact of this run names one.
        """
        digest = self.finisher.packages_of(run).get(checkpoint)
        if digest is None:
            raise UnknownCheckpoint(f"no fact of {run[:63]} names a package {checkpoint[:63]!r}")
        return to_tar(self.packages.get(digest))

    def cancel(self, run: str, *, by: Caller) -> Run:
        """End a run because who started it, or an administrator, says so."""
        if by.person != self.runs.get(run).person and ADMINISTRATOR not in by.roles:
            raise NotYourRun(f"{by} did not start {run}")
        ended = self._end(run, Cancelled(f"{by} ended the run"))
        self.clusters.stop(run)
        return ended

    # ---- the run itself

    def take(self, run: str, path: str, data: bytes) -> None:
        """Take one output of a run under way: a report, a checkpoint, a candidate's graph or its claims."""
        kind, _, rest = path.partition("/")
        name, _, suffix = rest.rpartition(".")
        match kind, suffix:
            case "reports", "json" if name.isdecimal():
                self._report(run, int(name), data)
            case "checkpoints", "tar" if name.isdecimal():
                self._going(run)
                from_tar(data)
                self.checkpoints.keep(run, int(name), data)
            case "candidates", "onnx":
                self._take_graph(run, data)
            case "candidates", "json":
                offered = candidate_of(name, data)
                if self.objects.find(_graph(run, offered.graph)) is None:
                    raise UnknownGraph(f"{run} uploaded no graph {offered.graph[:12]}")
                self.runs.change(run, lambda r: r.offering(offered))
            case "failure.json", _:
                self._end(run, failure_of(data))
                self.clusters.stop(run)
            case _:
                raise BadOutput(f"{path[:120]!r} is no output of a run")

    def newest_checkpoint(self, run: str) -> bytes:
        """Return the newest state a run gave, for its workers to go on from; raises UnknownCheckpoint."""
        self._going(run)
        data = self.checkpoints.newest(run)
        if data is None:
            raise UnknownCheckpoint(f"{run} has given no checkpoint yet")
        return data

    # ---- the run's process

    def hear(self, run: str, event: Event) -> None:
        """Take what a run's process says; its end is the run's end."""
        match event:
            case Started(doing):
                self.runs.change(run, lambda r: r if r.is_over else r.progressed(doing))
            case Ended(None):
                self._finish(run)
            case Ended(ServiceError() as failure):
                self._end(run, failure)

    def unfinished(self) -> list[str]:
        """Return the runs that are not over."""
        return [run.id for run in self.runs.every() if not run.is_over]

    def restore(self, left: Sequence[str]) -> None:
        """Take up what a restart left: finish what was becoming a fact, fail what has no process any more."""
        for run in left:
            if self.runs.get(run).state is State.FINISHING and self.finisher.has_kept(run):
                self._become_fact(run)
            else:
                self._end(run, RunLost("training was restarted while the run was under way"))

    # ---- steps

    def _going(self, run: str) -> None:
        self.runs.change(run, lambda r: r.progressed(r.doing))

    def _take_graph(self, run: str, data: bytes) -> None:
        """Keep a graph under its digest, and that this run gave it: what another run gave is not offered here."""
        self._going(run)
        mark = _graph(run, sha256_hex(data))
        if self.objects.find(mark) is None and len(list(self.objects.keys(_graphs(run)))) >= MOST_GRAPHS:
            raise TooManyOutputs(f"{run} has uploaded {MOST_GRAPHS} graphs")
        self.objects.put(mark, b"{}")
        self.objects.put_addressed(data)

    def _report(self, run: str, step: int, data: bytes) -> None:
        metrics = metrics_of(data)
        before = self.runs.get(run)
        after = self.runs.change(run, lambda r: r.reported(step, metrics))
        if after.step > before.step:
            at = self.now_ms()
            self._tell_mlflow(lambda: self.experiments.log(after.mlflow_run, step, metrics, at))

    def _finish(self, run: str) -> None:
        try:
            if self.runs.get(run).is_over:
                return
            packages = self.finisher.package(self.runs.get(run))
            self.runs.change(run, lambda r: r.finishing(packages, self.now()))
        except ServiceError as refusal:
            self._end(run, refusal)
            return
        self.checkpoints.forget(run)
        self._become_fact(run)

    def _become_fact(self, run: str) -> None:
        try:
            record = self.finisher.append(self.runs.get(run))
        except ServiceError as refusal:
            self._end(run, refusal)
            return
        done = self.runs.change(run, lambda r: r.succeeded(record.digest))
        self._tell_mlflow(lambda: self._show(done))

    def _show(self, done: Run) -> None:
        tags = {"fact": str(done.fact)}
        for offered in done.offered:
            tags[f"package.{offered.name}"] = str(offered.package)
            self.experiments.attach(done.mlflow_run, offered.name, self.packages.get(str(offered.package)))
        self.experiments.end(done.mlflow_run, succeeded=True, tags=tags)

    def _end(self, run: str, why: ServiceError) -> Run:
        """End a run by a refusal; a run that is over stays as it ended."""
        before = self.runs.get(run)
        after = self.runs.change(run, lambda r: r.failed(why, self.now()))
        self.checkpoints.forget(run)
        if after != before:
            _log.info("%s failed: %s", run, type(why).__name__)
            tags = {"error": (after.error or "")[:500]}
            self._tell_mlflow(lambda: self.experiments.end(after.mlflow_run, succeeded=False, tags=tags))
        return after

    def _tell_mlflow(self, tell: Callable[[], None]) -> None:
        """Say it to MLflow too: it is what people look at, not what counts, and its absence fails no run."""
        try:
            tell()
        except ServiceError as refusal:
            _log.warning("MLflow was not told: %s: %s", type(refusal).__name__, refusal.detail)


def _graphs(run: str) -> str:
    return f"runs/{run}/graphs"


def _graph(run: str, digest: str) -> str:
    return f"{_graphs(run)}/{digest}"
