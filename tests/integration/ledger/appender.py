"""Appends envelopes from a file, from several threads, and prints each digest once it is acknowledged.

Run as a process that a test kills: `python appender.py FOLDER STORE`.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from assay.contracts import SignedFact
from assay.ledger import Root
from services.ledger.store import open_store


def main(folder: Path, store: str) -> None:
    """Append everything there is."""
    key = load_pem_private_key((folder / "log.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    root = Root.load(folder / "root.json")
    lines = (folder / "envelopes").read_bytes().splitlines()
    printing = threading.Lock()
    with (
        open_store(store, root, key.sign) as log,
        ThreadPoolExecutor(8) as threads,
    ):

        def append(line: bytes) -> None:
            record = log.append(SignedFact.from_bytes(line))
            with printing:
                sys.stdout.write(f"{record.index} {record.digest}\n")
                sys.stdout.flush()

        list(threads.map(append, lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
