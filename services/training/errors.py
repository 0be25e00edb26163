"""Every refusal of training and of the evaluator."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, TooLarge


class BadSource(Invalid):
    """The posted code cannot be a training script."""

    fix = "post text files with plain relative paths; the entry is one of them and defines `train(run)`"


class BadParameters(BadRequest):
    """What a run was asked for is malformed."""


class UnknownFeatureSet(NotFound):
    """No feature-set fact has that digest."""

    fix = "POST /v1/feature-sets at features builds one and returns its fact"


class InputRevoked(Conflict):
    """A feature set or a batch below it no longer counts, and nothing may be made of it."""

    fix = "build a feature set from batches that count"


class NoPerson(Forbidden):
    """A run is started by a person, who is answerable for it."""

    fix = "call with a person's certificate"


class NoGrant(Forbidden):
    """The run's experiment is written in the person's name, and training may not do that by itself."""

    fix = (
        "send an Assay-Grant for training with tracking/read, tracking/write and tracking/own-run; "
        "`session.runs.start` of assay does"
    )


class TooManyRuns(Conflict):
    """As many runs as this machine takes are under way."""

    fix = "wait for one to end, or cancel it"


class UnknownRun(NotFound):
    """There is no such run."""

    fix = "GET /v1/runs lists runs"


class UnknownCheckpoint(NotFound):
    """The run offered no package of that name, or has not succeeded."""

    fix = "GET /v1/runs/{id} lists the checkpoints of a run that succeeded"


class UnknownGraph(NotFound):
    """The run offers a graph it did not upload: what another run made is that run's."""

    fix = "upload the graph beside what is said of it; `run.candidate` does"


class RunIsOver(Conflict):
    """The run has ended; nothing can be added to it."""

    fix = "start a new run"


class BadOutput(Invalid):
    """What a run uploaded is nothing training knows."""

    fix = "use `run.report` and `run.candidate`"


class ImpossibleMetric(Invalid):
    """A run claims something that cannot be true, whatever it trained."""

    fix = "report finite numbers, shares between 0 and 1, and nothing about rows the run was not given"


class WrongPorts(Invalid):
    """A candidate's graph does not take and give what a package must."""

    fix = "take one float32 input `features` [n, k], give one float32 output `probability` [n, 1] or [n]"


class NothingOffered(Invalid):
    """The script ended without offering a candidate."""

    fix = "call `run.candidate(name, model, metrics)` on rank 0 at least once"


class ScriptFailed(Invalid):
    """The training script raised."""

    fix = "read the error, correct the script and start a new run"


class ClusterFailed(Invalid):
    """The run's cluster ended before the script did."""

    fix = "start the run again; if it happens again, ask for fewer workers or less memory"


class TrainingBroke(Invalid):
    """Training itself went wrong; nothing was decided."""

    fix = "give the run's id to whoever runs this platform"


class TimeLimit(Invalid):
    """The run took longer than a run may."""

    fix = "train for fewer epochs, or have an administrator raise the limit"


class RunLost(Invalid):
    """Training was stopped while the run was under way."""

    fix = "start the run again"


class Cancelled(Invalid):
    """A person ended the run."""

    fix = "start a new run"


class RowContradictsProcess(Conflict):
    """A row of a run under way was changed by somebody else than training."""

    fix = "start the run again; what was under way becomes no fact"


class NotYourRun(Forbidden):
    """Only who started a run, or an administrator, ends it."""

    fix = "ask the person who started it, or an administrator"


class TooManyOutputs(TooLarge):
    """A run uploaded more graphs than anybody would choose from."""

    fix = "offer fewer candidates"


class RowContradictsFact(Conflict):
    """A row of this service's database does not say what the ledger says."""

    fix = "stop training, delete its database and start it: what succeeded is rebuilt from the ledger"


class UnknownPackage(NotFound):
    """No run fact names this package."""

    fix = "name the run fact, checkpoint and package exactly as GET /v1/runs/{id} at training gives them"


class OtherRows(Invalid):
    """The rows to measure on are not held out from this run."""

    fix = "name the feature set the run was trained on: only its held-out rows are known to be unseen"


class NotScorable(Invalid):
    """The package does not answer on the rows it is measured on."""

    fix = "offer a graph that answers with one finite probability per row"


class ClaimContradicted(Invalid):
    """The run claims more than the evaluator measured; no evidence is made of that."""

    fix = "report what was measured on rows kept from fitting (`validation_…`), and start a new run"
