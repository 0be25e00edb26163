"""What MLflow's own pages may ask for, each route with what answers it. Everything else they ask is refused.

Found by watching the pages of MLflow 3.17; paths are those of its pages, below the folder they are shown in.
"""

from __future__ import annotations

from typing import Any, Final

from services.tracking.allowed import MODEL_ID, Allowed, Asks

AT: Final = "/tracking"
"""The folder the pages are shown in. Their addresses are relative, so MLflow knows nothing of it."""

AJAX: Final = "/ajax-api/2.0/mlflow"

SHOWN: Final = (
    Allowed("GET", "/experiments/get", Asks.LOOK_UP),
    Allowed("GET", "/experiments/search", Asks.SEARCH),
    Allowed("POST", "/experiments/search", Asks.SEARCH),
    Allowed("POST", "/experiments/search-datasets", Asks.SEARCH, AJAX),
    Allowed("GET", "/runs/get", Asks.READ),
    Allowed("POST", "/runs/search", Asks.SEARCH),
    Allowed("POST", "/logged-models/search", Asks.SEARCH),
    Allowed("GET", f"/logged-models/{MODEL_ID}", Asks.READ),
    Allowed("GET", f"/logged-models/{MODEL_ID}/artifacts/directories", Asks.READ),
    Allowed("GET", "/artifacts/list", Asks.READ),
    Allowed("GET", "/metrics/get-history-bulk-interval", Asks.SEARCH),
)
"""Answered by the private MLflow server."""

RUN_FILE: Final = Allowed("GET", "/get-artifact", Asks.READ, "")
MODEL_FILE: Final = Allowed("GET", f"/logged-models/{MODEL_ID}/artifacts/files", Asks.READ, AJAX)
VERSION_FILE: Final = "/model-versions/get-artifact"

MODELS: Final = (
    "/registered-models/get",
    "/registered-models/search",
    "/model-versions/get",
    "/model-versions/search",
)
"""Answered by the registry, never from MLflow's own, empty store of models."""

NO_GATEWAY: Final[dict[str, Any]] = {"endpoints": []}
"""What the runs page asks of a gateway of language models, which shows an error where nothing answers."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self' blob:; "
    "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What MLflow's page may load and run: its own files. An HTML artifact is shown in a frame that inherits it."""
