"""Letting an allowed call through: whose is it, may they, what does it say, and only then MLflow."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO

from assay.policy import Policy
from assay.web.caller import Caller
from services.tracking import rewriting
from services.tracking.allowed import ARTIFACTS, Allowed, Asks, Entity, Kind, Place, entity, place_of
from services.tracking.errors import ArtifactsStayHere, UnknownEntity
from services.tracking.owners import Owners
from services.tracking.ports import Answer, Mlflow
from services.tracking.rewriting import Json, Query


class Front:
    """MLflow behind our identity and policy. `model` is the logged model a path names, where one does."""

    def __init__(self, mlflow: Mlflow, policy: Policy) -> None:
        self._mlflow = mlflow
        self._owners = Owners(mlflow, policy)

    def read(self, allowed: Allowed, said: Query, caller: Caller, model: str | None = None) -> Answer:
        """Pass a GET on; the query is made anew and a body never follows."""
        query = self._readable(allowed, said, caller, model)
        return self._mlflow.ask("GET", allowed.of(model), query=query)

    def read_file(
        self, allowed: Allowed, said: Query, into: IO[bytes], caller: Caller, model: str | None = None
    ) -> Answer:
        """Read a file that a GET names, as MLflow's pages do, into another."""
        query = self._readable(allowed, said, caller, model)
        return self._mlflow.fetch(allowed.of(model), into, query)

    def may_read(self, caller: Caller, names: Collection[Entity]) -> None:
        """Return when the caller may read these runs and logged models; raises Forbidden."""
        self._owners.confine(caller, names)

    def send(self, allowed: Allowed, said: Json, caller: Caller, model: str | None = None) -> Answer:
        """Check a body, rewrite who says it, and pass it on."""
        target, body = _model(model), rewriting.checked(said)
        if allowed.asks.reads:
            self._owners.confine(caller, ())
        elif allowed.asks in {Asks.NEW_EXPERIMENT, Asks.TAG_EXPERIMENT}:
            body = self._experiment(allowed, body, caller)
        elif allowed.asks is Asks.NEW:
            body = self._new(body, caller)
        else:
            body = self._written(allowed, body, target or rewriting.run_of(body), caller)
        return self._mlflow.ask(allowed.method, allowed.of(model), body=body)

    def list_artifacts(self, path: str, caller: Caller) -> Answer:
        """List below one run or one logged model."""
        self._owners.confine(caller, [_place(path.strip("/")).entity])
        return self._mlflow.ask("GET", ARTIFACTS, query=[("path", path.strip("/"))])

    def get_artifact(self, path: str, into: IO[bytes], caller: Caller) -> Answer:
        """Read one artifact into a file."""
        self._owners.confine(caller, [_file(path)])
        return self._mlflow.fetch(f"{ARTIFACTS}/{path}", into)

    def may_put(self, path: str, caller: Caller) -> None:
        """Return when the caller owns the run or logged model the artifact is of: asked before it is received."""
        self._owners.require(caller, [_file(path)])

    def put_artifact(self, path: str, content: IO[bytes], caller: Caller) -> Answer:
        """Write one artifact, as the owner of its run or logged model."""
        self.may_put(path, caller)
        return self._mlflow.store(f"{ARTIFACTS}/{path}", content)

    def _readable(self, allowed: Allowed, said: Query, caller: Caller, model: str | None) -> Query:
        """Return the parameters of a GET that the caller may read with."""
        target, query = _model(model), rewriting.asked(said)
        if allowed.asks is not Asks.LOOK_UP:
            names = rewriting.named(dict(query)) | ({target} if target else set())
            self._owners.confine(caller, names if allowed.asks is Asks.READ else ())
        return query

    def _experiment(self, allowed: Allowed, body: Json, caller: Caller) -> Json:
        """Experiments belong to everybody who may write, and to no run."""
        self._owners.confine(caller, ())
        said = rewriting.new_experiment(body) if allowed.asks is Asks.NEW_EXPERIMENT else body
        return rewriting.written_by(said, str(caller))

    def _new(self, body: Json, caller: Caller) -> Json:
        if names := rewriting.named(body):
            self._owners.require(caller, names)
        return rewriting.owned(body, str(caller))

    def _written(self, allowed: Allowed, body: Json, target: Entity, caller: Caller) -> Json:
        """Every run and logged model a write names is the caller's: metrics are written to both."""
        self._owners.require(caller, {target} | rewriting.named(body))
        if allowed.asks is Asks.UNTAG:
            return rewriting.untagged(body)
        return rewriting.written_by(body, self._owners.of(target))


def _model(said: str | None) -> Entity | None:
    found = entity(Kind.MODEL, said)
    if said is not None and found is None:
        raise UnknownEntity("no logged model has such an id")
    return found


def _place(path: str) -> Place:
    found = place_of(path)
    if found is None:
        raise ArtifactsStayHere("the path lies below no single run or logged model")
    return found


def _file(path: str) -> Entity:
    found = _place(path)
    if not found.below:
        raise ArtifactsStayHere("the path is a whole folder")
    return found.entity
