"""The routes of MLflow that are reachable, each with what is asked of it. Everything else is refused.

Found by watching unchanged clients of MLflow 3.17; paths are below `/api/2.0/mlflow`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

API: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
MODEL_ID: Final = "{model_id}"


class Asks(StrEnum):
    """What a route does, and so what is checked and rewritten."""

    LOOK_UP = "look up"  # one experiment, by its name or id
    READ = "read"  # the run or logged model it names
    SEARCH = "search"  # across runs
    NEW_EXPERIMENT = "new experiment"
    TAG_EXPERIMENT = "tag experiment"
    NEW = "new"  # a run or logged model
    WRITE = "write"  # to the run or logged model it names
    UNTAG = "untag"  # take a tag off a run

    @property
    def reads(self) -> bool:
        """Say whether nothing changes."""
        return self in {Asks.LOOK_UP, Asks.READ, Asks.SEARCH}


class Allowed(NamedTuple):
    """One reachable route."""

    method: str
    path: str
    asks: Asks
    below: str = API

    def of(self, model: str | None) -> str:
        """Return the path asked of MLflow: this one, made from nothing a client wrote but a checked id."""
        return self.below + (self.path if model is None else self.path.replace(MODEL_ID, model))


ROUTES: Final = (
    Allowed("GET", "/experiments/get", Asks.LOOK_UP),
    Allowed("GET", "/experiments/get-by-name", Asks.LOOK_UP),
    Allowed("GET", "/experiments/search", Asks.SEARCH),
    Allowed("POST", "/experiments/search", Asks.SEARCH),
    Allowed("POST", "/experiments/create", Asks.NEW_EXPERIMENT),
    Allowed("POST", "/experiments/set-experiment-tag", Asks.TAG_EXPERIMENT),
    Allowed("GET", "/runs/get", Asks.READ),
    Allowed("POST", "/runs/search", Asks.SEARCH),
    Allowed("POST", "/runs/create", Asks.NEW),
    *(
        Allowed("POST", f"/runs/{verb}", Asks.WRITE)
        for verb in (
            "update",
            "log-metric",
            "log-parameter",
            "log-batch",
            "log-inputs",
            "outputs",
            "log-model",
            "set-tag",
        )
    ),
    Allowed("POST", "/runs/delete-tag", Asks.UNTAG),
    Allowed("GET", "/metrics/get-history", Asks.READ),
    Allowed("GET", "/metrics/get-history-bulk-interval", Asks.SEARCH),
    Allowed("GET", "/artifacts/list", Asks.READ),
    Allowed("POST", "/logged-models", Asks.NEW),
    Allowed("POST", "/logged-models/search", Asks.SEARCH),
    Allowed("GET", f"/logged-models/{MODEL_ID}", Asks.READ),
    Allowed("PATCH", f"/logged-models/{MODEL_ID}", Asks.WRITE),
    Allowed("POST", f"/logged-models/{MODEL_ID}/params", Asks.WRITE),
    Allowed("PATCH", f"/logged-models/{MODEL_ID}/tags", Asks.WRITE),
)

SERVER_INFO: Final = {
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "features_enabled": {"gateway": False},
}
"""What a client is told instead of being let past this front: no uploads that would go around it."""


class Kind(StrEnum):
    """What in MLflow has an owner."""

    RUN = "run"
    MODEL = "logged model"


class Entity(NamedTuple):
    """A run or a logged model, by its id."""

    kind: Kind
    id: str


_RUN: Final = r"[0-9a-f]{32}"
_MODEL: Final = rf"m-{_RUN}"
_IDS: Final = {Kind.RUN: re.compile(_RUN), Kind.MODEL: re.compile(_MODEL)}
_SEGMENT: Final = r"(?!\.{1,2}(?:/|$))[\w.\-+=@ ,()]{1,200}"
_BELOW: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,15}}")
_FOLDER: Final = re.compile(
    rf"[0-9]{{1,20}}/(?:(?P<run>{_RUN})|models/(?P<model>{_MODEL}))/artifacts(?:/(?P<below>.+))?"
)


def entity(kind: Kind, said: object) -> Entity | None:
    """Return what an id names when it is one of MLflow's ids."""
    return Entity(kind, said) if isinstance(said, str) and _IDS[kind].fullmatch(said) else None


def is_below(path: str) -> bool:
    """Say whether a path is plain names below a folder: no empty or dotted one, no escape, no backslash."""
    return _BELOW.fullmatch(path) is not None


class Place(NamedTuple):
    """A place in the artifact store: whose folder it lies in, and where; `below` is empty for the folder itself."""

    entity: Entity
    below: str


def place_of(path: str) -> Place | None:
    """Return the place a path names, or None when it lies in no single run's or logged model's folder."""
    found = _FOLDER.fullmatch(path)
    if not found or not (found["below"] is None or is_below(found["below"])):
        return None
    owner = Entity(Kind.RUN, found["run"]) if found["run"] else Entity(Kind.MODEL, found["model"])
    return Place(owner, found["below"] or "")
