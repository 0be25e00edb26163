"""Serving and what it needs, over real mutual TLS: Vault, the ledger, a registry that hands out bytes.

The predictors are real processes, started by serving as on a laptop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI, Response
from opentelemetry.trace import Tracer

from assay.contracts import SpiffeId, canonical
from assay.custody import manifest
from assay.identity.workload import WorkloadIdentity
from assay.ledger import CheckpointMemory, FactSigner, Follower, LedgerClient, Root
from assay.policy import OpaWasm, Policy
from assay.policy.shelf import Shelf
from assay.telemetry import tracer
from assay.vault.client import VaultClient
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.routes import Routes
from assay.web.server import Listener, listening_server
from services.ledger.api import routes as ledger_routes
from services.ledger.log import Log
from services.ledger.policy import RootDecidesAppends
from services.ledger.store import open_store
from services.ledger.usecases import LedgerUses
from services.serving import api
from services.serving.app import endpoints_of
from services.serving.settings import ServingSettings
from services.serving.usecases import Endpoints
from tests.integration.predictor.chain import Registered, registered
from tests.integration.predictor.models import logistic
from tests.support.data import RunningVault
from tests.support.journals import journaling
from tests.unit.custody.memory import MemoryVault
from tests.unit.custody.world import DOMAIN, POLICY, World

LEASE = 3.0
CERTIFICATE = 24
"""Seconds a predictor's certificate lasts: more than it takes to start on a busy machine."""


@dataclass(frozen=True)
class Edge:
    """The parts of a service without use cases of its own here."""

    identity: WorkloadIdentity
    root: Root
    follower: Log
    policy: Policy
    tracer: Tracer


class Platform:
    """Everything in one process but Vault and the predictors."""

    def __init__(self, folder: Path, vault: RunningVault) -> None:
        self.folder, self.vault, self.undo = folder, vault, ExitStack()
        admin = vault.admin.vault()
        self.world = World(folder, vault=cast("MemoryVault", admin))
        self.root = folder / "root.json"
        self.root.write_bytes(canonical(dict(self.world.root.document)))
        self.ca = folder / "ca.pem"
        self.ca.write_text(admin.ca_pem())
        Shelf(folder / "policy", self.world.author.key).put(self.world.author.archive())
        self.held: dict[str, Registered] = {}
        self.copied = 0
        self.features = self.world.feature_set(self.world.batch())
        self.sockets = {
            name: socket.create_server(("127.0.0.1", 0)) for name in ("ledger", "registry", "serving")
        }
        self.log: Log = self.undo.enter_context(
            open_store(
                f"sqlite:///{folder}/ledger.db",
                self.world.root,
                lambda data: admin.sign("log", data),
                lease_seconds=LEASE,
            )
        )
        self.copy()
        self.stop_ledger = self._serve("ledger", self._ledger())
        self._serve("registry", self._registry())
        self.endpoints = self._serving()

    def copy(self) -> None:
        """Append to the ledger what the world has said since."""
        for record in self.world.log.entries(self.copied):
            self.log.append(record.signed)
            self.copied = record.index + 1

    def approved(self, weights: tuple[float, ...]) -> Registered:
        """Register, evaluate and approve a version."""
        version = registered(self.world, self.features, logistic(weights))
        self.held[version.package] = version
        judged = self.world.judge(version.record, version.files)
        for name in ("amir", "bea"):
            self.world.approve(judged, name)
        self.copy()
        while self.endpoints.facts.catch_up() < self.copied:
            time.sleep(0.02)  # until a checkpoint covers it, as whoever appends waits
        return version

    def client(self, path: str, url: str, expect: str) -> httpx.Client:
        """Connect as somebody."""
        return self.undo.enter_context(self.identity(path).client(url, expect=expect))

    def identity(self, path: str) -> WorkloadIdentity:
        """Return a certificate by Vault's PKI."""
        spiffe = SpiffeId(DOMAIN, path)
        role = "people" if path.startswith("/people") else spiffe.segments[-1]
        admin = self.vault.admin.vault()
        identity = WorkloadIdentity.obtain(
            lambda csr: admin.sign_csr(
                role, csr, uri=str(spiffe), ttl_seconds=600, loopback=role != "people"
            ),
            spiffe=spiffe,
            ca_pem=self.ca.read_text(),
            run_dir=self.folder / "run" / path[1:].replace("/", "-"),
            renew=False,
        )
        self.undo.callback(identity.close)
        return identity

    def policy_of(self, identity: WorkloadIdentity, follower: Follower) -> Policy:  # noqa: ARG002 - of an OPA
        """Return what serving asks who may do what."""
        return OpaWasm(POLICY, expected=follower.policy_revision)

    def close(self) -> None:
        """End everything, the newest first."""
        self.undo.close()

    def url(self, service: str) -> str:
        """Return where a service listens."""
        return f"https://127.0.0.1:{self.sockets[service].getsockname()[1]}"

    def _ledger(self) -> FastAPI:
        policy = RootDecidesAppends(OpaWasm(POLICY, expected=self.log.policy_revision))
        edge = Edge(
            self.identity("/svc/core/ledger"), self.world.root, self.log, policy, tracer("ledger", None)
        )
        return build_app(edge, ledger_routes(LedgerUses(self.log)), title="ledger")

    def _registry(self) -> FastAPI:
        packages = Routes("/v1/packages")

        @packages.get("/{digest}", permission="registry/read-package")
        def of(digest: str) -> dict[str, Any]:
            return {"package": digest, "files": manifest(self.held[digest].files)}

        @packages.get("/{digest}/files/{path}", permission="registry/read-package")
        def file(digest: str, path: str) -> Response:
            return Response(self.held[digest].files[path])

        @packages.get("/{digest}/signature", permission="registry/read-package")
        def signature(digest: str) -> Response:
            return Response(self.held[digest].signature)

        policy = OpaWasm(POLICY, expected=self.log.policy_revision)
        edge = Edge(
            self.identity("/svc/core/registry"), self.world.root, self.log, policy, tracer("registry", None)
        )
        return build_app(edge, packages, title="registry")

    def _serving(self) -> Endpoints:
        settings = self._settings()
        self.serving_login: VaultClient = self.vault.login("serving")
        self.undo.callback(self.serving_login.close)
        identity = self.identity("/svc/core/serving")
        http = self.undo.enter_context(identity.client(self.url("ledger"), expect="ledger"))
        ledger = LedgerClient(http, self.world.root, CheckpointMemory(), FactSigner(self.serving_login))
        follower = Follower(ledger, self.world.root, lease_seconds=60)
        self.undo.callback(follower.close)
        follower.start()
        parts = Parts(
            settings=settings,
            identity=identity,
            vault=self.serving_login,
            root=self.world.root,
            tracer=tracer("serving", None),
            resources=self.undo,
            ledger=ledger,
            follower=follower,
            policy=self.policy_of(identity, follower),
            journaling=journaling(self.folder, identity.spiffe_id),
        )
        endpoints = endpoints_of(parts, settings)
        self._serve("serving", build_app(parts, api.routes(endpoints), title="serving"), identity)
        return endpoints

    def _settings(self) -> ServingSettings:
        given: dict[str, Any] = dict.fromkeys(ServingSettings.model_fields, "1")
        urls = {f"{name}_url": self.url(name) for name in self.sockets}
        return ServingSettings(
            **given
            | urls
            | {
                "service": "serving",
                "trust_domain": DOMAIN,
                "data_dir": self.folder / "serving",
                "run_dir": self.folder / "run",
                "root_path": self.root,
                "ca_path": self.ca,
                "vault_url": self.vault.url,
                "vault_ca": self.vault.ca_path,
                "policy_bundles": self.folder / "policy",
                "lease_seconds": LEASE,
                "settle_seconds": 60,
                "predictor_certificate_ttl_seconds": CERTIFICATE,
                "telemetry_dir": None,
            }
        )

    def _serve(self, name: str, app: FastAPI, identity: WorkloadIdentity | None = None) -> Callable[[], None]:
        listens = threading.Event()
        shown = identity or self.identity(f"/svc/core/{name}")
        listener = Listener(name, app, 0, shown.server_context())
        server = listening_server(listener, "127.0.0.1", lambda _: listens.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [self.sockets[name]]})
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join()

        self.undo.callback(end)
        assert listens.wait(20)
        return end
