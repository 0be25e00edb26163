"""What a service tells its supervisor: JSON lines on standard output. Logs go to standard error."""

from __future__ import annotations

import json
import logging
import sys
import threading
from typing import Any, Final

from assay.identity.workload import WorkloadIdentity

_LOCK: Final = threading.Lock()


def announce(event: str, **members: Any) -> None:  # noqa: ANN401 - JSON members
    """Print an event: `listening` (url), `ready`, `certificate` (identity, not_after)."""
    line = json.dumps({"event": event, **members})
    with _LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def announce_certificate(identity: WorkloadIdentity) -> None:
    """Print whom the newest certificate names, when it ends, and which roots are believed."""
    announce(
        "certificate",
        identity=str(identity.spiffe_id),
        not_after=identity.not_after.isoformat(),
        trusts=identity.trusts,
    )


def log_to_stderr() -> None:
    """Send warnings and worse to standard error, where the supervisor keeps them."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
