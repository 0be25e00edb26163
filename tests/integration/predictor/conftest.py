"""A predictor's application on a loopback port: real TLS, policy, journal, ONNX Runtime and KServe types.

What is known of the ledger is a value the test sets; packages are made as `verify` makes them, which is tested on
a real chain elsewhere.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay.contracts import Environment, Revocation, SpiffeId, Version, sha256_hex
from assay.custody import MODEL_FILE, VerifiedPackage
from assay.custody.verify import _PROOF
from assay.errors import Stale
from assay.identity.workload import WorkloadIdentity
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.policy import OpaWasm, Policy
from assay.telemetry import tracer
from assay.web.server import Listener, listening_server
from services.predictor.adapters.kserve import OpenInference
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.app import application
from services.predictor.endpoint import Answering, Endpoint
from services.predictor.hot import Predictions
from tests.integration.predictor.models import logistic
from tests.unit.identity.authority import DOMAIN, Authority
from tests.unit.journal.log import Log

WASM = Path(__file__).parents[3] / "infra/opa/policy.wasm"
PREDICTOR = SpiffeId(DOMAIN, "/svc/prod/predictor/credit")
WEIGHTS = (0.5, -1.0, 2.0)


@dataclass
class Known:
    """What a follower would know."""

    held: dict[str, frozenset[str]] = field(default_factory=dict)
    gone: dict[str, Revocation] = field(default_factory=dict)
    stale: bool = False
    revision: str = ""

    def fresh(self) -> None:
        """Raise Stale when the test says so."""
        if self.stale:
            raise Stale("the newest checkpoint is too old")

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""
        return "demo"

    def owner(self, _name: str) -> str | None:
        """Nobody used any name."""
        return None

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return what the test gave."""
        return self.held.get(person, frozenset()) if tenant == "demo" else frozenset()

    def revoked(self, digest: str) -> Revocation | None:
        """Return what the test revoked."""
        return self.gone.get(digest)

    def policy_revision(self) -> str:
        """Return the revision the test put in force."""
        return self.revision


@dataclass
class Edged:
    """The parts an application's edge needs."""

    identity: WorkloadIdentity
    root: Any
    follower: Known
    policy: Policy
    tracer: Any
    journaling: Journaling


def package(model: bytes, number: int = 1) -> VerifiedPackage:
    """Return a package as `verify` would, without a chain."""
    body = Version(
        trust_domain=DOMAIN,
        model="credit-default",
        number=number,
        package=sha256_hex(model),
        signature="0" * 64,
        run="0" * 64,
        checkpoint="last",
        tier="limited",
        contributors=(),
    )
    unused: Any = None
    judgement: Any = SimpleNamespace(ends_ns=None)
    return VerifiedPackage({MODEL_FILE: model}, sha256_hex(model), body, unused, judgement, _PROOF)


def answering(model: bytes, number: int = 1) -> Answering:
    """Return a loaded model as rollouts load it."""
    verified = package(model, number)
    return Answering(OnnxModel(verified), verified, sha256_hex(f"rollout {number}".encode()))


class Served:
    """The application on a port, and everything a test may turn."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self.folder = folder
        self.undo: list[Callable[[], None]] = []
        self.known = Known({"p-dana": frozenset({"data-scientist"}), "p-bea": frozenset({"approver"})})
        policy = OpaWasm(WASM, expected=self.known.policy_revision)
        self.known.revision = policy.revision
        self.identity = self.workload("/svc/prod/predictor/credit")
        self.endpoint = Endpoint("prod", "credit")
        self.journal = Journal(folder / "journal.db", lease_seconds=60, capacity=1000)
        self.undo.append(self.journal.close)
        self.log = Log()
        refusals = Refusals(self.journal, lambda: "2026-01-01T00:00:00Z")
        owner = Owner(PREDICTOR, Environment.PROD)
        self.lander = Lander(self.journal, self.log, owner, before=refusals.flush, every=0.05)
        self.predictions = Predictions(self.endpoint, self.journal, self.known, most_rows=50)
        self.predictions.wire = OpenInference()
        root = SimpleNamespace(trust_domain=DOMAIN, services={})
        journaling = Journaling(
            self.journal, refusals, self.lander, self.known.policy_revision, lambda: "2026-01-01T00:00:00Z"
        )
        edge = Edged(self.identity, root, self.known, policy, tracer("predictor", None), journaling)
        app = application(edge, self.endpoint, self.predictions, self.journal, most_bytes=1 << 20)
        self.url = self.serve(app)

    def workload(self, path: str) -> WorkloadIdentity:
        """Return an identity certified by the authority."""
        spiffe = SpiffeId(DOMAIN, path)
        identity = WorkloadIdentity.obtain(
            self.authority.issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=self.authority.ca_pem,
            run_dir=self.folder / path[1:].replace("/", "-"),
            renew=False,
        )
        self.undo.append(identity.close)
        return identity

    def client(self, path: str = "/people/p-dana") -> httpx.Client:
        """Return a client with a certificate of that identity."""
        http = self.workload(path).client(self.url, expect="/svc/prod/predictor/credit")
        self.undo.append(http.close)
        return http

    def serve(self, app: FastAPI) -> str:
        """Listen on a free port."""
        listens = threading.Event()
        bound = socket.create_server(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        context = self.identity.server_context()
        server = listening_server(
            Listener("credit", app, port, context), "127.0.0.1", lambda _: listens.set()
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join()

        self.undo.append(end)
        assert listens.wait(20)
        return f"https://127.0.0.1:{port}"

    def close(self) -> None:
        """Undo everything, newest first."""
        for undo in reversed(self.undo):
            undo()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    made.endpoint.answer(answering(logistic(WEIGHTS)))
    try:
        yield made
    finally:
        made.close()
