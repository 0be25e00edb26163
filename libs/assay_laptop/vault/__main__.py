"""`python -m assay_laptop.vault --storage DIR --port N --tls-cert FILE --tls-key FILE`."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from assay_laptop.vault.server.asgi import serve
from assay_laptop.vault.server.core import DevelopmentVault

NOTICE = (
    "This is Assay's built-in development Vault: for one person's machine, not for production. "
    "Put `vault` or `bao` on the PATH before `assay init` to use a real one."
)


def main() -> None:
    """Say what this is and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="assay_laptop.vault", description=NOTICE)
    parser.add_argument("--storage", type=Path, required=True, help="folder of the encrypted storage")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-cert", type=Path, required=True, help="the listener's certificate, PEM")
    parser.add_argument("--tls-key", type=Path, required=True, help="its private key, PEM")
    asked = parser.parse_args()
    print(NOTICE, file=sys.stderr, flush=True)
    with closing(DevelopmentVault(asked.storage)) as vault:
        serve(vault, port=asked.port, certificate=asked.tls_cert, key=asked.tls_key)


if __name__ == "__main__":
    main()
