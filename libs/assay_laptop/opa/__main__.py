"""`python -m assay_laptop.opa`: the development OPA server, until SIGTERM."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import NoReturn

from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.server import DevelopmentOpa, Rules

NOTICE = (
    "built-in development OPA: answers questions to one signed policy bundle on loopback and nothing else;\n"
    "it is not OPA (no editing, no decision log): put `opa` on the PATH to run the real one"
)


def main() -> int:
    """Serve the policy; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assay_laptop.opa", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    for name in ("cert", "key", "ca", "bundle", "policy-key"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    policy = Rules(options.bundle, options.policy_key.read_text())
    with DevelopmentOpa(options.port, policy, Certificates(options.cert, options.key, options.ca)) as server:
        policy.follow()
        print(NOTICE, file=sys.stderr, flush=True)
        _tell(event="listening", url=f"https://127.0.0.1:{server.server_address[1]}")
        _tell(event="ready")
        server.serve_forever()
    return 0


def _tell(**event: str) -> None:
    print(json.dumps(event), flush=True)


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
