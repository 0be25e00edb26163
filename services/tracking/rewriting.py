"""What a call may say, and what the platform says in its place. Pure: JSON in, JSON out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.tracking.allowed import Entity, Kind, entity, is_below
from services.tracking.errors import ArtifactsStayHere, MalformedCall, ReservedName, UnknownEntity

OWNER: Final = "assay.owner"  # person id, or a workload's SPIFFE id
USER: Final = "mlflow.user"
_RESERVED: Final = "assay."
_REGISTERED: Final = "mlflow.modelVersions"  # which versions a logged model became: the registry's word
_SPELLED: Final = re.compile(r"[a-z][a-z0-9_]*")
_LISTS: Final = frozenset({"order_by", "run_ids"})
_PATHS: Final = frozenset({"path", "artifact_directory_path", "artifact_file_path"})
_NAMES: Final = {
    "run_id": Kind.RUN,
    "run_uuid": Kind.RUN,
    "source_run_id": Kind.RUN,
    "model_id": Kind.MODEL,
}
_DEPTH: Final = 8  # MLflow's own bodies have four levels
Json = dict[str, Any]
Query = list[tuple[str, str]]


def checked(body: Json) -> Json:
    """Return a body in MLflow's own spelling, at every level, that writes no reserved name anywhere.

    MLflow's protobuf reader also takes `runId`: a check of `run_id` alone could be walked around.
    """
    for key, value in _members(body):
        if not _SPELLED.fullmatch(key):
            raise MalformedCall("members are spelled in lower case, as in MLflow's REST API")
        if key == "key" and str(value).strip().lower().startswith(_RESERVED):
            raise ReservedName(f"names that begin with `{_RESERVED}` are written by the platform")
    return body


def asked(query: Query) -> Query:
    """Return the parameters of a GET: each once, in MLflow's own spelling, and paths without a way out."""
    single = [key for key, _ in query if key not in _LISTS]
    if len(set(single)) != len(single) or not all(_SPELLED.fullmatch(key) for key, _ in query):
        raise MalformedCall("parameters are spelled in lower case, as in MLflow's REST API, and given once")
    if any(key in _PATHS and value and not is_below(value) for key, value in query):
        raise ArtifactsStayHere("the path is not plain names below the run's folder")
    return query


def named(said: Mapping[str, Any]) -> set[Entity]:
    """Return every run and logged model a call names, at any depth; raises UnknownEntity for what is no id."""
    return {_entity(_NAMES[key], value) for key, value in _members(said) if key in _NAMES and value}


def run_of(body: Json) -> Entity:
    """Return the one run a write to a run names."""
    runs = [_entity(Kind.RUN, body[key]) for key in ("run_id", "run_uuid") if body.get(key)]
    if len(set(runs)) != 1:
        raise MalformedCall("exactly one run is expected in `run_id`")
    return runs[0]


def new_experiment(body: Json) -> Json:
    """Return the body of a new experiment, whose artifacts stay in the platform's store."""
    if body.get("artifact_location"):
        raise ArtifactsStayHere("an experiment names an artifact location of its own")
    return body


def owned(body: Json, owner: str) -> Json:
    """Return the body of a new run or logged model, tagged with who makes it, whatever the client says."""
    said = [{"key": OWNER, "value": owner}, {"key": USER, "value": owner}]
    tags = [tag for tag in _tags(body) if tag.get("key") not in {USER, _REGISTERED}]
    return {**body, "tags": [*tags, *said], "user_id": owner}


def written_by(body: Json, owner: str) -> Json:
    """Return a later write, in which nobody becomes somebody else and nothing a registered version."""
    changed = _as(body, owner)
    if "tags" in changed:
        tags = [tag for tag in _tags(changed) if tag.get("key") != _REGISTERED]
        changed["tags"] = [_as(tag, owner) for tag in tags]
    return changed


def untagged(body: Json) -> Json:
    """Return the removal of a tag that may be removed."""
    if body.get("key") == USER:
        raise ReservedName(f"`{USER}` says whose run it is")
    return body


def _as(tag: Json, owner: str) -> Json:
    return {**tag, "value": owner} if tag.get("key") == USER else dict(tag)


def _tags(body: Json) -> list[Json]:
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise MalformedCall("`tags` is a list of objects")
    return tags


def _entity(kind: Kind, said: object) -> Entity:
    found = entity(kind, said)
    if found is None:
        raise UnknownEntity(f"no {kind} has such an id")
    return found


def _members(value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Yield every member of every object in a JSON value, and refuse what cannot be said again as it was."""
    if depth > _DEPTH:
        raise MalformedCall("the body is nested deeper than any of MLflow's")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key, inner
            yield from _members(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner, depth + 1)
    else:
        _refuse_unsayable(value)


def _refuse_unsayable(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise MalformedCall("the body holds a number too large to write")
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError as error:
        raise MalformedCall("the body holds half a character") from error
