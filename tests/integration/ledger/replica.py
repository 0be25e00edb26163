"""A replica of the registry that moves one alias: every thread of a round tries at once, from the same head.

Run as a process by a test: `python replica.py FOLDER URL THREADS`. It reads a line for each round, the head
(or `-`), tries THREADS times at once, and prints for each attempt its digest and `won` or the head it lost to.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from assay.contracts import Alias, Environment, Fact, FactKind
from assay.errors import HeadMoved
from assay.identity.workload import WorkloadIdentity
from assay.ledger import CheckpointMemory, FactSigner, LedgerClient, Root

ABOUT = "alias/prod/credit-default@champion"


class Key:
    """The registry's key of aliases, as Vault would hold it."""

    def __init__(self, path: Path) -> None:
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def public_key(self, key: str) -> str:  # noqa: ARG002 - there is one
        """Return the public half, PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, key: str, data: bytes) -> bytes:  # noqa: ARG002 - there is one
        """Sign, DER."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def move(previous: str | None, who: str) -> Fact:
    """Return a move of the alias from a head; no two attempts are the same fact."""
    body = Alias(
        alias="champion",
        model="credit-default",
        number=1,
        version="a" * 64,
        approvals=(),
        evidence=(),
        policy=who,
    ).model_dump(mode="json")
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return Fact(FactKind.ALIAS, ABOUT, "demo", now, body, environment=Environment.PROD, previous=previous)


def attempt(client: LedgerClient, together: threading.Barrier, fact: Fact) -> str:
    """Try once, with everybody else."""
    together.wait(60)
    try:
        record = client.append(fact)
    except HeadMoved as refusal:
        return f"{fact.digest} {refusal.extra['head']}"
    return f"{fact.digest} won {record.index}"


def main(folder: Path, url: str, threads: int) -> None:
    """Take part in every round."""
    me = folder.name
    root = Root.load(folder.parent / "root.json")
    identity = WorkloadIdentity.adopt(
        (folder / "key.pem").read_text(),
        (folder / "chain.pem").read_text(),
        ca_pem=(folder.parent / "ca.pem").read_text(),
        run_dir=folder / "run",
    )
    with identity.client(url, expect="ledger", timeout=60) as http, ThreadPoolExecutor(threads) as pool:
        client = LedgerClient(http, root, CheckpointMemory(), FactSigner(Key(folder.parent / "alias.pem")))
        together = threading.Barrier(threads)
        print("ready", flush=True)  # noqa: T201 - a process that talks by lines
        for line in sys.stdin:
            previous = None if line.strip() == "-" else line.strip()
            facts = [move(previous, f"{me} {n}") for n in range(threads)]
            told = list(pool.map(lambda fact: attempt(client, together, fact), facts))
            print(";".join(told), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
