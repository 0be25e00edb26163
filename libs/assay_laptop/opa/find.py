"""Where policy lies, and which `opa` there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from assay.errors import Unavailable


def folder() -> Path:
    """Return `infra/opa` of this checkout."""
    return Path(__file__).parents[3] / "infra" / "opa"


def find_opa() -> Path | None:
    """Return the `opa` in the folder ASSAY_BIN or on the PATH; None means the built-in server."""
    found = shutil.which("opa", path=os.environ.get("ASSAY_BIN", "")) or shutil.which("opa")
    return Path(found).resolve() if found else None


@cache
def version_of(opa: Path) -> str:
    """Return the version an `opa` says it is, such as 1.22.0."""
    said = subprocess.run([opa, "version"], capture_output=True, text=True, check=False, timeout=30).stdout
    found = re.search(r"^Version: (\S+)$", said, re.MULTILINE)
    if found is None:
        raise Unavailable(f"{opa} does not say its version")
    return found[1]
