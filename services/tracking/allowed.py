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

    READ = "read"
    NEW_EXPERIMENT = "new experiment"
    TAG_EXPERIMENT = "tag experiment"
    NEW_RUN = "new run"
    WRITE_RUN = "write run"
    NEW_MODEL = "new model"
    WRITE_MODEL = "write model"


class Allowed(NamedTuple):
    """One reachable route."""

    method: str
    path: str
    asks: Asks


ROUTES: Final = (
    Allowed("GET", "/experiments/get", Asks.READ),
    Allowed("GET", "/experiments/get-by-name", Asks.READ),
    Allowed("GET", "/experiments/search", Asks.READ),
    Allowed("POST", "/experiments/search", Asks.READ),
    Allowed("POST", "/experiments/create", Asks.NEW_EXPERIMENT),
    Allowed("POST", "/experiments/set-experiment-tag", Asks.TAG_EXPERIMENT),
    Allowed("GET", "/runs/get", Asks.READ),
    Allowed("POST", "/runs/search", Asks.READ),
    Allowed("POST", "/runs/create", Asks.NEW_RUN),
    *(
        Allowed("POST", f"/runs/{verb}", Asks.WRITE_RUN)
        for verb in (
            "update",
            "log-metric",
            "log-parameter",
            "log-batch",
            "log-inputs",
            "outputs",
            "log-model",
            "set-tag",
            "delete-tag",
        )
    ),
    Allowed("GET", "/metrics/get-history", Asks.READ),
    Allowed("GET", "/metrics/get-history-bulk-interval", Asks.READ),
    Allowed("GET", "/artifacts/list", Asks.READ),
    Allowed("POST", "/logged-models", Asks.NEW_MODEL),
    Allowed("POST", "/logged-models/search", Asks.READ),
    Allowed("GET", f"/logged-models/{MODEL_ID}", Asks.READ),
    Allowed("PATCH", f"/logged-models/{MODEL_ID}", Asks.WRITE_MODEL),
    Allowed("POST", f"/logged-models/{MODEL_ID}/params", Asks.WRITE_MODEL),
    Allowed("PATCH", f"/logged-models/{MODEL_ID}/tags", Asks.WRITE_MODEL),
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

LOGGED_MODEL: Final = re.compile(r"m-[0-9a-f]{32}")
_SEGMENT: Final = r"(?!\.{1,2}(?:/|$))[\w.\-+=@ ,()]{1,200}"
_ARTIFACT: Final = re.compile(
    rf"[0-9]{{1,20}}/(?:(?P<run>[0-9a-f]{{32}})|models/(?P<model>m-[0-9a-f]{{32}}))/artifacts(?:/{_SEGMENT}){{0,16}}"
)


class Artifact(NamedTuple):
    """Whose artifact a path names: ("run" or "model", id)."""

    kind: str
    id: str


def artifact_of(path: str) -> Artifact | None:
    """Return whose artifact a path is, or None when it lies below no single run or logged model."""
    found = _ARTIFACT.fullmatch(path)
    if not found:
        return None
    return Artifact("run", found["run"]) if found["run"] else Artifact("model", found["model"])
