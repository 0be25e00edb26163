"""A service on a loopback port: the real edge, its own authority, plain lists of what is known and allowed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from assay.contracts import Revocation, SpiffeId
from assay.errors import Forbidden, Stale
from assay.identity.workload import WorkloadIdentity
from assay.policy import Decision, GateVerdict, Policy
from assay.policy.decisions import NOTHING
from assay.policy.subject import Subject
from assay.telemetry import tracer
from assay.web.app import build_app
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from assay.web.server import Listener, ListeningServer, listening_server
from tests.unit.identity.authority import DOMAIN, Authority


def spiffe(path: str) -> SpiffeId:
    return SpiffeId.parse(f"spiffe://{DOMAIN}{path}")


@dataclass
class Known:
    """Roles and revocations, as a follower would know them."""

    held: dict[str, frozenset[str]] = field(default_factory=dict)
    gone: dict[str, Revocation] = field(default_factory=dict)
    owned: dict[str, str] = field(default_factory=dict)
    behind: bool = False

    def fresh(self) -> None:
        """Be within the lease, unless told otherwise."""
        if self.behind:
            raise Stale("the newest checkpoint is older than the lease")

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""
        return "demo"

    def owner(self, name: str) -> str | None:
        """Return what `owned` says."""
        return self.owned.get(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return what `held` says."""
        return self.held.get(person, frozenset()) if tenant == "demo" else frozenset()

    def revoked(self, digest: str) -> Revocation | None:
        """Return what `gone` says."""
        return self.gone.get(digest)


class AllowListed(Policy):
    """Allows the actions it lists; refuses everything else."""

    def __init__(self, *actions: str) -> None:
        self.actions = set(actions)
        self.asked: list[tuple[str, Subject, dict[str, Any]]] = []

    def decide(
        self, action: str, caller: Mapping[str, Any], resource: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Decision:
        """Nobody here decides without requiring."""
        raise NotImplementedError

    def gate(self, question: Mapping[str, Any], /) -> GateVerdict:
        """Nobody here asks for a gate."""
        raise NotImplementedError

    def require(
        self, action: str, caller: Subject, resource: Mapping[str, Any] = NOTHING, **_context: object
    ) -> None:
        """Return when the action is listed."""
        self.asked.append((action, caller, dict(resource)))
        if action not in self.actions:
            raise Forbidden(f"{action} is not allowed")


@dataclass
class Rooted:
    """The two members of a root that callers need."""

    trust_domain: str = DOMAIN
    services: dict[str, str] = field(default_factory=dict)


@dataclass
class Edged:
    """A service's parts, as far as its edge needs them."""

    identity: WorkloadIdentity
    root: Rooted
    follower: Known
    policy: AllowListed
    tracer: Any


routes = Routes()


@routes.get("/v1/who", permission="lab/who")
def who(caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
    return {"identity": str(caller.identity), "person": caller.person, "roles": sorted(caller.roles)}


@routes.get("/v1/where", permission="lab/who")
def where(caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
    return {"tenant": caller.tenant, "platform": caller.platform, "signed_in": caller.signed_in}


@routes.post("/v1/echo/{name}", permission="lab/echo", body_limit=1000)
def echo(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {name: body}


@routes.get("/v1/broken", permission="lab/who")
def broken() -> dict[str, Any]:
    raise RuntimeError("the secret is 1234")


@routes.get("/v1/forbidden", permission="lab/never")
def forbidden() -> dict[str, Any]:
    return {}


class Lab:
    """A service on a loopback port with an authority of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.undo: list[Callable[[], None]] = []
        self._servers: list[ListeningServer] = []
        self.identity = self.workload("/svc/core/registry")
        self.edge = Edged(
            self.identity, Rooted(), Known(), AllowListed("lab/who", "lab/echo"), tracer("lab", None)
        )
        self.app = build_app(self.edge, routes, title="lab")
        self.url = self.serve(self.app)

    def workload(
        self, path: str, *, authority: Authority | None = None, seconds: float = 3600, renew: bool = False
    ) -> WorkloadIdentity:
        """Return a certificate by the lab's authority, or another one's."""
        by = authority or self.authority
        identity = WorkloadIdentity.obtain(
            by.issuer(str(spiffe(path)), seconds=seconds),
            spiffe=spiffe(path),
            ca_pem=self.authority.ca_pem,
            run_dir=self.folder / f"{path[1:].replace('/', '-')}-{len(self.undo)}",
            renew=renew,
        )
        self.undo.append(identity.close)
        return identity

    def serve(
        self, app: FastAPI, identity: WorkloadIdentity | None = None, *, port: int = 0, **options: bool
    ) -> str:
        """Serve an application until the lab closes; return its URL."""
        listens = threading.Event()
        bound = socket.create_server(("127.0.0.1", port))
        port = bound.getsockname()[1]
        context = (identity or self.identity).server_context(**options)
        server = listening_server(Listener("lab", app, port, context), "127.0.0.1", lambda _: listens.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()

        self._servers.append(server)
        self.undo.append(thread.join)
        assert listens.wait(20)
        return f"https://127.0.0.1:{port}"

    def close(self) -> None:
        """End every server and certificate."""
        for server in self._servers:
            server.should_exit = True
        for undo in reversed(self.undo):
            undo()
