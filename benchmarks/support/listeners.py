"""Servers of the mTLS benchmark, each a process of its own: `python -m benchmarks.support.listeners HOW PORT FOLDER`.

`plain` and `mtls` are one application behind our listener, without and with TLS; `echo` is a bare `ssl` pair's server.
"""

from __future__ import annotations

import socket
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from assay.web.protocol import PeerProtocol

ANSWER = b'{"answer": true}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def application(scope: dict[str, Any], _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
    """Answer every request the same."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})


def context(folder: Path) -> ssl.SSLContext:
    """Return a listener's context over the PEM files of a folder: TLS 1.3, client certificate, no tickets."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.num_tickets = 0
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(folder / "ca.pem")
    made.load_cert_chain(folder / "identity.pem")
    return made


def serve(port: int, tls: ssl.SSLContext | None) -> None:
    """Serve the application as `assay.web.server` does."""
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
    )


def echo(port: int, tls: ssl.SSLContext) -> None:
    """Shake hands, echo one message, close; one connection after the other."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            plain, _ = listener.accept()
            with suppress(OSError), tls.wrap_socket(plain, server_side=True) as connection:
                connection.sendall(connection.recv(1024))


def main(how: str, port: str, folder: str) -> None:
    """Serve until ended."""
    if how == "plain":
        serve(int(port), None)
    elif how == "mtls":
        serve(int(port), context(Path(folder)))
    else:
        echo(int(port), context(Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
