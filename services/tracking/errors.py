"""What tracking refuses, by name."""

from __future__ import annotations

from assay.errors import BadRequest, Forbidden, NotFound, Unavailable


class TrackingDown(Unavailable):
    """The MLflow server is starting or restarting, or failed at this call."""

    fix = "try again in a second; registry calls and `models:/` loads do not need it"


class UnknownEntity(NotFound):
    """MLflow has no such run or logged model."""

    fix = "search_runs and search_logged_models list what there is"


class ReservedName(Forbidden):
    """A client writes, or takes away, what only the platform says."""

    fix = "leave names that begin with `assay.` out, and `mlflow.user` as it is"


class ArtifactsStayHere(Forbidden):
    """An artifact location outside the platform's store, or outside one run's or one model's folder."""

    fix = "leave artifact_location out; read and write artifacts below one run or one logged model"


class MalformedCall(BadRequest):
    """A call no MLflow client makes: other spellings of a member, a parameter twice, no run."""

    fix = "use an MLflow client; members are spelled as in MLflow's REST API, once"


class PagesOnlyRead(Forbidden):
    """One of MLflow's pages would change something."""

    fix = "log and register with an MLflow client and `assay env`; decide about versions on the registry's pages"


class NotShown(NotFound):
    """One of MLflow's pages asks for something that is not shown here."""

    fix = "experiments, runs, logged models, registered models and their versions are shown"


class UnknownQuery(Forbidden):
    """A GraphQL query that MLflow's pages do not make."""

    fix = "open the page again: of GraphQL, only the queries of MLflow's own pages are answered"
