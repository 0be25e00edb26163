"""A service process without a platform: `python -m tests.integration.identity.lone_service FOLDER PORT [how]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from assay.telemetry import tracer
from assay.web.app import build_app
from assay.web.server import run
from assay.web.settings import ServiceSettings
from tests.integration.identity.lab import AllowListed, Edged, Known, Rooted, routes, spiffe
from tests.unit.identity.authority import DOMAIN, Authority

from assay.identity.workload import WorkloadIdentity  # isort: skip


class Lone(Edged):
    """Parts that can be closed, and say so."""

    def close(self) -> None:
        """Remove the key and say it."""
        self.identity.close()
        sys.stderr.write("closed\n")


def join(settings: ServiceSettings) -> Lone:
    """Certify itself."""
    if "slow" in sys.argv:
        sys.stderr.write("joining\n")
        sys.stderr.flush()
        time.sleep(60)
    authority, me = Authority(), spiffe("/svc/core/registry")
    identity = WorkloadIdentity.obtain(
        authority.issuer(str(me)), spiffe=me, ca_pem=authority.ca_pem, run_dir=settings.run_dir
    )
    return Lone(identity, Rooted(), Known(), AllowListed(), tracer("lone", None))


def load(_: Lone) -> None:
    """Load an engine, or fail to."""
    if "broken" in sys.argv:
        raise RuntimeError("no such engine")


def main() -> None:
    """Run it."""
    given: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1")
    given |= {"service": "registry", "trust_domain": DOMAIN, "host": "127.0.0.1", "port": sys.argv[2]}
    settings = ServiceSettings(**{**given, "run_dir": Path(sys.argv[1]) / "run"})
    run(settings, lambda parts: build_app(parts, routes, title="lone"), join=join, background=load)


if __name__ == "__main__":
    main()
