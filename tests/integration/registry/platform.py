"""The registry on a loopback port over mutual TLS: the real edge, the real rules, an authority of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from assay.contracts import SpiffeId
from assay.identity.workload import WorkloadIdentity
from assay.telemetry import tracer
from assay.web.parts import Parts
from assay.web.server import Listener, listening_server
from assay.web.settings import ServiceSettings
from services.registry.app import build
from services.registry.settings import RegistrySettings
from tests.support.journals import journaling
from tests.unit.custody.world import DOMAIN, World
from tests.unit.identity.authority import Authority
from tests.unit.registry.desk import Desk


class Platform:
    """A desk whose registry also listens. Facts are said in the world; training's packages lie on its shelves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.undo: list[Callable[[], object]] = []
        self.world = World(folder)
        self.desk = Desk(self.world, folder)
        self.ca = folder / "ca.pem"
        self.ca.write_text(self.authority.ca_pem)
        identity = self.workload("/svc/core/registry")
        self.url = self._serve(identity)

    def workload(self, path: str, authority: Authority | None = None) -> WorkloadIdentity:
        """Return a certificate of this platform, or of a stranger's authority."""
        spiffe = SpiffeId.parse(f"spiffe://{DOMAIN}{path}")
        identity = WorkloadIdentity.obtain(
            (authority or self.authority).issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=self.authority.ca_pem,
            run_dir=self.folder / f"{path[1:].replace('/', '-')}-{len(self.undo)}",
            renew=False,
        )
        self.undo.append(identity.close)
        return identity

    def person(self, name: str) -> WorkloadIdentity:
        """Return a person's certificate."""
        return self.workload(f"/people/{self.world.person(name)}")

    def client(self, identity: WorkloadIdentity) -> httpx.Client:
        """Return a client that demands the registry's identity."""
        client = identity.client(self.url, expect="registry")
        self.undo.append(client.close)
        return client

    def close(self) -> None:
        """End the server, the clients and the certificates."""
        for undo in reversed(self.undo):
            undo()

    def _serve(self, identity: WorkloadIdentity) -> str:
        bound = socket.create_server(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        given: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1")
        given |= {"service": "registry", "trust_domain": DOMAIN, "port": port, "telemetry_dir": None}
        given |= {
            "database_url": f"sqlite:///{self.folder}/served.db",
            "objects_url": f"file://{self.folder}/objects",
        }
        settings = RegistrySettings(**given)
        parts = Parts(
            settings=settings,
            identity=identity,
            vault=self.world.vault,  # type: ignore[arg-type]  # the two calls a registry makes
            root=self.world.root,
            tracer=tracer("registry", None),
            resources=ExitStack(),
            ledger=self.world.log,
            follower=self.world.follower,
            policy=self.world.policy,
            journaling=journaling(self.folder, identity.spiffe_id),
        )
        listens = threading.Event()
        app = build(parts, settings, self.desk.runs)
        listener = Listener("registry", app, port, identity.server_context())
        server = listening_server(listener, "127.0.0.1", lambda _: listens.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        self.undo.append(thread.join)
        self.undo.append(lambda: setattr(server, "should_exit", True))
        assert listens.wait(20)
        return f"https://localhost:{port}"
