"""What a body may say, and what the platform says in its place. Pure: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.tracking.errors import ArtifactsStayHere, MalformedCall, ReservedTag

OWNER: Final = "assay.owner"  # person id, or a workload's SPIFFE id
USER: Final = "mlflow.user"
_RESERVED: Final = "assay."
Json = dict[str, Any]


def checked(body: Mapping[str, Any]) -> Json:
    """Return a body with MLflow's own spelling and no reserved tag.

    MLflow's protobuf reader also takes `runId`: a check of `run_id` alone could be walked around.
    """
    if any(key != key.lower() for key in body):
        raise MalformedCall("members are spelled in lower case, as in MLflow's REST API")
    keys = [tag.get("key") for tag in _tags(body)]
    keys += [body.get("key")] if "run_id" in body or "experiment_id" in body else []
    if any(isinstance(key, str) and key.startswith(_RESERVED) for key in keys):
        raise ReservedTag("tags that begin with `assay.` are written by the platform")
    return dict(body)


def new_experiment(body: Json) -> Json:
    """Return the body of a new experiment, whose artifacts stay in the platform's store."""
    if body.get("artifact_location"):
        raise ArtifactsStayHere("an experiment names an artifact location of its own")
    return body


def owned(body: Json, owner: str) -> Json:
    """Return the body of a new run or logged model, tagged with who makes it, whatever the client says."""
    tags = [tag for tag in _tags(body) if tag.get("key") != USER]
    said = [{"key": OWNER, "value": owner}, {"key": USER, "value": owner}]
    return {**body, "tags": [*tags, *said], **({"user_id": owner} if "user_id" in body else {})}


def written_by(body: Json, owner: str) -> Json:
    """Return a later write, in which nobody becomes somebody else."""
    changed = dict(body)
    if changed.get("key") == USER:
        changed["value"] = owner
    if "tags" in changed:
        changed["tags"] = [
            {**tag, "value": owner} if tag.get("key") == USER else tag for tag in _tags(changed)
        ]
    return changed


def run_of(body: Mapping[str, Any]) -> str:
    """Return the one run a write names."""
    named = {body[key] for key in ("run_id", "run_uuid") if body.get(key)}
    if len(named) != 1:
        raise MalformedCall("exactly one run is expected in `run_id`")
    (run,) = named
    if not isinstance(run, str):
        raise MalformedCall("`run_id` is a string")
    return run


def _tags(body: Mapping[str, Any]) -> list[Json]:
    tags = body.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise MalformedCall("`tags` is a list of objects")
    return tags
