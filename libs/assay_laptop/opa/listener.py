"""A small HTTPS listener on loopback for fixed services alone: mutual TLS, a thread for each connection."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from assay.contracts import SpiffeId
from assay.errors import Invalid, SignatureInvalid
from assay.identity.certificates import identity_in
from assay_laptop.opa.certificates import Certificates

_HANDSHAKE_SECONDS: Final = 10
_IDLE_SECONDS: Final = 120
_REJECTED: Final = {"code": "unauthorized", "message": "request rejected by administrative policy"}


class Listener(ThreadingHTTPServer):
    """Serves as `/svc/core/opa`; whoever connects proves to be a fixed service of the same trust domain."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, certificates: Certificates, handler: type[Connection]) -> None:
        self._certificates = certificates
        own = certificates.identity()
        if own.service != "opa":
            raise Invalid(f"the certificate is of {own}, and clients believe /svc/core/opa alone")
        self.domain: Final = own.domain
        certificates.context()
        super().__init__(("127.0.0.1", port), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Shake hands in the connection's own thread, then answer its questions."""
        request.settimeout(_HANDSHAKE_SECONDS)
        with self._certificates.context().wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - socketserver's own
        """Say in one line why a connection ended: mostly a handshake without a certificate."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            print(f"connection ended: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)


class Connection(BaseHTTPRequestHandler):
    """One connection: whose it is was settled by its handshake."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Listener
    connection: socket.socket

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log no requests: questions name people."""

    def caller(self) -> SpiffeId | None:
        """Return the fixed service that asks, while its certificate lasts."""
        assert isinstance(self.connection, ssl.SSLSocket)  # noqa: S101 - made by finish_request
        certificate = self.connection.getpeercert() or {}
        end = certificate.get("notAfter")
        if not isinstance(end, str) or ssl.cert_time_to_seconds(end) <= time.time():
            return None
        try:
            caller = identity_in(certificate)
        except SignatureInvalid:
            return None
        return caller if caller.domain == self.server.domain and caller.service is not None else None

    def reject(self) -> None:
        """Answer as OPA answers whom it does not admit; the body, if any, stays unread."""
        self.close_connection = True
        self.answer(HTTPStatus.UNAUTHORIZED, _REJECTED)

    def answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        """Send a JSON document."""
        self.send(status, "application/json", json.dumps(document).encode())

    def send(self, status: HTTPStatus, media_type: str, body: bytes, **headers: str) -> None:
        """Send bytes."""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
