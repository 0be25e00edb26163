"""Serving it: one event loop, TLS 1.3 on loopback, no access log (paths and tokens are nobody's business)."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from assay_laptop.vault.server.core import LARGEST_BODY, DevelopmentVault, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_KEEP_ALIVE_SECONDS = 300


class Application:
    """The ASGI application around a DevelopmentVault."""

    def __init__(self, vault: DevelopmentVault) -> None:
        self._vault = vault

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            response = Response(413, "application/json", b'{"errors":["request body too large"]}')
        else:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            listing = (
                scope["method"] == "GET" and scope["query_string"] == b"list=true"
            )  # as Vault takes it too
            method = "LIST" if listing else scope["method"]
            response = self._vault.respond(method, scope["path"], headers, body)
        content = [(b"content-type", response.media_type.encode()), (b"cache-control", b"no-store")]
        if response.body:
            content.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": content})
        await send({"type": "http.response.body", "body": response.body})


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, None when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return bytes(body)


def serve(vault: DevelopmentVault, *, port: int, certificate: Path, key: Path) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        Application(vault),
        host="127.0.0.1",
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=0,  # what was answered is on disk; open connections are idle ones
    )
    config.load()
    if not isinstance(config.ssl, ssl.SSLContext):
        raise SystemExit("the built-in development Vault serves TLS only")
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    uvicorn.Server(config).run()
