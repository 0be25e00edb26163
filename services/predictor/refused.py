"""Every refusal of this process reaches its journal: an ASGI layer that reads the problems going out."""

from __future__ import annotations

import json
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.journal import Refusals
from assay.web.protocol import Peer

REFUSED: Final = 400


class JournaledRefusals:
    """Wraps an application; a response that is a refusal is noted by caller, route and name."""

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, looking at a refusal's body on its way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 200

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status >= REFUSED and message.get("body"):
                self._note(scope, status, message["body"])
            await send(message)

        await self._app(scope, receive, watched)

    def _note(self, scope: Scope, status: int, body: bytes) -> None:
        try:
            title = json.loads(body)["title"]
        except (ValueError, KeyError, TypeError):
            title = str(status)
        peer = scope.get("state", {}).get("peer")
        caller = str(peer.identity) if isinstance(peer, Peer) else "nobody"
        route = getattr(scope.get("route"), "path", "unknown route")
        self._refusals.note(caller=caller, action=f"{scope['method']} {route}", refusal=str(title))
