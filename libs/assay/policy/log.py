"""The decision log of one process: who was allowed what, by which rule of which policy; for operating, not for proof.

JSON lines in files of limited size and number. Identities, opaque person ids, environment and tenant stand in it, and
the trace that leads to the rest; what a caller put into a path, bodies, grants and names of people do not. What cannot
be written is dropped: a log decides nothing.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from assay.telemetry import trace_id

LARGEST_BYTES: Final = 4 << 20  # of one file
FILES_BEFORE: Final = 3  # kept beside the newest
LONGEST: Final = 100  # characters of a name
_NAMED: Final = ("environment", "tenant")  # members of a resource that no caller can spell freely


class DecisionLog:
    """Lines of decisions in `path`; `largest` bytes a file, `before` older files."""

    def __init__(self, path: Path, *, largest: int = LARGEST_BYTES, before: int = FILES_BEFORE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = RotatingFileHandler(
            path, maxBytes=largest, backupCount=before, encoding="utf-8", delay=True
        )

    def note(
        self,
        subject: Mapping[str, Any],
        action: str,
        resource: Mapping[str, Any],
        *,
        allow: bool,
        rule: str,
        revision: str,
        seconds: float,
    ) -> None:
        """Write one decision; `seconds` is how long it took."""
        line = json.dumps(
            {
                "id": uuid.uuid4().hex,
                "time_ns": time.time_ns(),
                "policy": revision,
                "subject": subject.get("identity"),
                "person": subject.get("person"),
                "action": action[:LONGEST],
                "trace": trace_id(),
                "resource": _names(resource),
                "allow": allow,
                "rule": rule[:LONGEST],
                "duration_us": round(seconds * 1e6),
            }
        )
        self._file.handle(logging.LogRecord("decision", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _names(resource: Mapping[str, Any]) -> dict[str, str]:
    named = {name: resource.get(name) for name in _NAMED}
    return {name: value[:LONGEST] for name, value in named.items() if isinstance(value, str)}
