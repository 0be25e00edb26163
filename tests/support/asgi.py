"""An application as one peer meets it, without a listener: what TLS would say is put in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.contracts import SpiffeId
from assay.ledger import Root
from assay.web.protocol import Peer
from services.ledger.log import Log
from services.ledger.policy import RootDecidesAppends


@dataclass(frozen=True)
class Named:
    """A certificate, as far as the edge looks at its own."""

    spiffe_id: SpiffeId


@dataclass(frozen=True)
class Edge:
    """The ledger's parts, without a listener."""

    identity: Named
    root: Root
    follower: Log
    policy: RootDecidesAppends
    tracer: Any


class As:
    """The application as one peer meets it: what the listener takes from the certificate is put in place."""

    def __init__(self, app: ASGIApp, identity: SpiffeId) -> None:
        self._app = app
        self._peer = Peer(identity, 0, 4e9)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        scope.setdefault("state", {})["peer"] = self._peer
        await self._app(scope, receive, send)


class Through(httpx.BaseTransport):
    """Hands requests to the application; `tamper` may change an answer on its way back."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.tamper: Callable[[httpx.Request, bytes], bytes] = lambda _request, body: body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        answer = self._client.request(
            request.method,
            request.url.raw_path.decode(),
            content=request.read(),
            headers=dict(request.headers),
        )
        body = self.tamper(request, answer.content)
        return httpx.Response(
            answer.status_code, headers={"content-type": answer.headers["content-type"]}, content=body
        )
