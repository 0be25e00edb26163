"""Our registry over mutual TLS, with as many models and versions as its two arguments say.

The facts go into the catalogue as the follower would hand them over, without the signatures it checks before: what
replaying costs is measured elsewhere. Prints a line of JSON that says where, and answers until it is ended.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.contracts import Fact, FactKind, SignedFact, sha256_hex
from assay.ledger import Record
from services.registry.catalogue import Catalogue
from tests.integration.registry.platform import Platform
from tests.unit.custody.world import DOMAIN, TENANT

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def model_name(number: int) -> str:
    """Return a model's name."""
    return f"model-{number:05d}"


def mlflow_run(number: int) -> str:
    """Return the MLflow run of the nth version."""
    return f"{number:032x}"


def fill(catalogue: Catalogue, models: int, versions: int) -> None:
    """Hand over a run and a version fact for each version; models take turns."""
    start = catalogue.applied()
    for n in range(versions):
        run = _run(n)
        said = _version(n, models, run.digest)
        for index, fact in enumerate((run, said)):
            catalogue.apply(Record(start + 2 * n + index, SignedFact(fact, "0" * 64, b"")))


def _run(n: int) -> Fact:
    body = {"buildDefinition": {"internalParameters": {"mlflowRun": mlflow_run(n)}}}
    return Fact(FactKind.RUN, f"run/run-{n}", TENANT, _time(n), body)


def _version(n: int, models: int, run: str) -> Fact:
    model, digest = model_name(n % models), sha256_hex(str(n).encode())
    body = {
        "trust_domain": DOMAIN,
        "model": model,
        "number": n // models + 1,
        "package": digest,
        "signature": digest,
        "run": run,
        "checkpoint": "final",
        "tier": "limited",
        "contributors": ["p-dana"],
    }
    return Fact(FactKind.VERSION, f"model/{TENANT}/{model}", TENANT, _time(n), body)


def _time(n: int) -> str:
    return (BEGAN + timedelta(seconds=n)).isoformat()


def main(models: int, versions: int) -> None:
    """Fill, say where, and answer."""
    with TemporaryDirectory() as folder:
        platform = Platform(Path(folder))
        fill(platform.service.catalogue, models, versions)
        cert = str(platform.person("dana").combined_path)
        sys.stdout.write(json.dumps({"url": platform.url, "cert": cert, "ca": str(platform.ca)}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        platform.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
