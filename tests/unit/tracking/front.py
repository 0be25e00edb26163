"""The front's application as uvicorn would call it, with real policy and MLflow in memory."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from assay.contracts import PersonId, Revocation, SpiffeId
from assay.identity.grants import Grant
from assay.policy import OpaWasm, Policy
from assay.telemetry import tracer
from assay.web.caller import Caller
from assay.web.parts import Parts
from assay.web.protocol import Peer
from services.tracking.app import build
from tests.unit.identity.authority import DOMAIN
from tests.unit.tracking.memory import MemoryMlflow

WASM = Path(__file__).parents[3] / "infra/opa/policy.wasm"
DANA, ERIN, AMIR = "/people/p-dana", "/people/p-erin", "/people/p-amir"
ROLES = {"p-dana": "data-scientist", "p-erin": "data-scientist", "p-amir": "approver"}
RUN, OTHER_RUN = "/run/run-1", "/run/run-2"


@cache
def rules() -> OpaWasm:
    """Return the policy that is checked in, compiled once."""
    return OpaWasm(WASM)


class Known:
    """What a follower knows of people."""

    def fresh(self) -> None:
        """Be within the lease."""

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""
        return "demo"

    def owner(self, _name: str) -> str | None:
        """Nobody used any name."""
        return None

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the one role somebody holds."""
        return frozenset({ROLES[person]}) if person in ROLES and tenant == "demo" else frozenset()

    def revoked(self, _digest: str) -> Revocation | None:
        """Nothing is revoked."""
        return None

    def credential(self, person: str, credential_id: str) -> object | None:
        """Return a passkey of everybody but who has left."""
        return None if person == "p-left" else credential_id


def parts(policy: Policy, identity: Any = None) -> Parts:  # noqa: ANN401 - a certificate, or its name
    """Return what the application needs of a service's parts."""
    held: dict[str, Any] = dict.fromkeys(Parts.__dataclass_fields__)
    held |= {
        "identity": identity or SimpleNamespace(spiffe_id=SpiffeId(DOMAIN, "/svc/core/tracking")),
        "root": SimpleNamespace(trust_domain=DOMAIN, services={}),
        "tracer": tracer("tracking", None),
        "resources": ExitStack(),
        "follower": Known(),
        "policy": policy,
    }
    return Parts(**held)


@dataclass(frozen=True)
class Answered:
    """What a client sees."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the parsed body."""
        return json.loads(self.body)


@dataclass
class Served:
    """The application over one MLflow."""

    policy: Policy = field(default_factory=rules)
    mlflow: MemoryMlflow = field(default_factory=MemoryMlflow)

    def __post_init__(self) -> None:
        self.app = build(parts(self.policy), self.mlflow)

    def call(self, who: str, method: str, target: str, body: object = None) -> Answered:
        """Send one request; `target` is what stands on the wire."""
        return asyncio.run(self.sent(who, method, target, body))

    async def sent(
        self, who: str, method: str, target: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answered:
        """Send one request as uvicorn hands it on: the path is decoded once."""
        raw, _, query = target.partition("?")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        said = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in said.items()],
            "server": ("127.0.0.1", 443),
            "state": {"peer": Peer(SpiffeId(DOMAIN, who), 0, 4e9)},
        }
        sent: list[dict[str, Any]] = []

        pending = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not pending:
                await asyncio.Event().wait()  # the client stays
            return pending.pop()

        async def send(message: Any) -> None:  # noqa: ANN401 - ASGI
            sent.append(message)

        await self.app(scope, receive, send)
        held = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], held, b"".join(m.get("body", b"") for m in sent[1:]))

    def new_run(self, who: str) -> str:
        """Make a run and return its id."""
        made = self.call(who, "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
        assert made.status == 200, made.body
        return str(made.json["run"]["info"]["run_id"])

    def new_model(self, who: str) -> str:
        """Make a logged model and return its id."""
        made = self.call(who, "POST", "/api/2.0/mlflow/logged-models", {"experiment_id": "0"})
        assert made.status == 200, made.body
        return str(made.json["model"]["info"]["model_id"])


def acting(person: str, *actions: str) -> Caller:
    """Return training with a person's verified grant."""
    identity = SpiffeId(DOMAIN, "/svc/core/training")
    who = PersonId(person)
    grant = Grant(who, identity, ("tracking",), actions, 2**40)
    return Caller(identity, who, frozenset({ROLES[person]}), grant, tenant="demo", platform=True)
