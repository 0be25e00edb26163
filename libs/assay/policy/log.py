"""The decision log of one process: who was allowed what, by which rule of which policy; for operating, not for proof.

JSON lines in files of limited size and number. Identities, opaque person ids and names of resources stand in it;
bodies, grants and names of people do not. What cannot be written is dropped: a log decides nothing.
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

LARGEST_BYTES: Final = 4 << 20  # of one file
FILES_BEFORE: Final = 3  # kept beside the newest
LONGEST: Final = 100  # characters of a name
_NAMED: Final = ("owner", "run", "environment", "model", "tenant")  # members of a resource that are names


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
    path = resource.get("path")
    named = dict(path) if isinstance(path, Mapping) else {}
    named |= {name: resource[name] for name in _NAMED if name in resource}
    return {str(name)[:LONGEST]: value[:LONGEST] for name, value in named.items() if isinstance(value, str)}
