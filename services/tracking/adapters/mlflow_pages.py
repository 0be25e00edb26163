"""The pages of the MLflow that is installed: files of its release, found without importing it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from services.tracking.errors import TrackingDown


def pages_folder() -> Path:
    """Return the folder that holds `index.html` and what it loads; raises TrackingDown where there is none."""
    found = importlib.util.find_spec("mlflow")
    for place in found.submodule_search_locations or [] if found else []:
        folder = Path(place) / "server" / "js" / "build"
        if (folder / "index.html").is_file():
            return folder
    raise TrackingDown("the MLflow that is installed brings no pages")
