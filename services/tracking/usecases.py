"""Letting an allowed call through: whose is it, may they, what does it say, and only then MLflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.policy import Policy
from assay.web.caller import Caller
from services.tracking import rewriting
from services.tracking.allowed import API, ARTIFACTS, LOGGED_MODEL, Artifact, Asks, artifact_of
from services.tracking.errors import ArtifactsStayHere, MalformedCall
from services.tracking.ports import Answer, Mlflow

Query = list[tuple[str, str]]


@dataclass
class Front:
    """MLflow behind our identity and policy."""

    mlflow: Mlflow
    policy: Policy
    _owners: dict[Artifact, str] = field(default_factory=dict)

    def read(self, path: str, query: Query) -> Answer:
        """Pass a GET on; the query is made anew and a body never follows."""
        if any(key != key.lower() for key, _ in query):
            raise MalformedCall("parameters are spelled in lower case, as in MLflow's REST API")
        return self.mlflow.ask("GET", API + path, query=query)

    def post(self, method: str, path: str, asks: Asks, said: dict[str, Any], caller: Caller) -> Answer:
        """Check a body, rewrite who says it, and pass it on."""
        body = rewriting.checked(said)
        return self.mlflow.ask(method, API + path, body=self._allowed(asks, path, body, caller))

    def list_artifacts(self, path: str) -> Answer:
        """List below one run or one logged model."""
        self._whose(path.strip("/"))
        return self.mlflow.ask("GET", ARTIFACTS, query=[("path", path.strip("/"))])

    def get_artifact(self, path: str) -> Answer:
        """Read one artifact."""
        self._whose(path)
        return self.mlflow.ask("GET", f"{ARTIFACTS}/{path}")

    def put_artifact(self, path: str, content: bytes, caller: Caller) -> Answer:
        """Write one artifact, as the owner of its run or logged model."""
        self._require_own(self._whose(path), caller)
        return self.mlflow.ask("PUT", f"{ARTIFACTS}/{path}", content=content)

    def _allowed(self, asks: Asks, path: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        owner = str(caller)
        if asks is Asks.NEW_EXPERIMENT:
            return rewriting.new_experiment(body)
        if asks is Asks.WRITE_RUN:
            self._require_own(Artifact("run", rewriting.run_of(body)), caller)
            return rewriting.written_by(body, owner)
        if asks is Asks.WRITE_MODEL:
            self._require_own(Artifact("model", _model_in(path, body)), caller)
            return rewriting.written_by(body, owner)
        if asks in {Asks.NEW_RUN, Asks.NEW_MODEL}:
            source = body.get("source_run_id")
            if source:
                self._require_own(Artifact("run", str(source)), caller)
            return rewriting.owned(body, owner)
        return body

    def _require_own(self, thing: Artifact, caller: Caller) -> None:
        self.policy.require("tracking/own-run", caller, {"owner": self._owner(thing)})

    def _owner(self, thing: Artifact) -> str:
        """Return who made a run or logged model; it never changes, so it is asked once."""
        if thing not in self._owners:
            self._owners[thing] = self._asked_owner(thing)
        return self._owners[thing]

    def _asked_owner(self, thing: Artifact) -> str:
        if thing.kind == "run":
            tags = self.mlflow.document(f"{API}/runs/get", [("run_id", thing.id)])["run"]["data"].get(
                "tags", []
            )
        else:
            tags = self.mlflow.document(f"{API}/logged-models/{thing.id}")["model"]["info"].get("tags", [])
        return str({tag["key"]: tag["value"] for tag in tags}.get(rewriting.OWNER, ""))

    def _whose(self, path: str) -> Artifact:
        found = artifact_of(path)
        if found is None:
            raise ArtifactsStayHere("the path lies below no single run or logged model")
        return found


def _model_in(path: str, body: dict[str, Any]) -> str:
    model = path.split("/")[2]
    if not LOGGED_MODEL.fullmatch(model) or body.get("model_id", model) != model:
        raise MalformedCall("one logged model is expected, the same in path and body")
    return model
