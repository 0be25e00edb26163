"""What tracking refuses, by name."""

from __future__ import annotations

from assay.errors import BadRequest, Forbidden, NotFound, Unavailable


class TrackingDown(Unavailable):
    """The MLflow server is starting or restarting."""

    fix = "try again in a second; registry calls and `models:/` loads do not need it"


class UnknownRun(NotFound):
    """MLflow has no such run or logged model."""

    fix = "search_runs lists the runs there are"


class ReservedTag(Forbidden):
    """A client writes what only the platform says."""

    fix = "leave tags that begin with `assay.` out"


class ArtifactsStayHere(Forbidden):
    """An artifact location outside the platform's store, or outside one run's or one model's folder."""

    fix = "leave artifact_location out; read and write artifacts below one run or one logged model"


class MalformedCall(BadRequest):
    """A call no MLflow client makes: other spellings of a member, two run ids, no object."""

    fix = "use an MLflow client; members are spelled as in MLflow's REST API, once"
