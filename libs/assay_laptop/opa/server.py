"""The development OPA server: questions to our rules over HTTP, as `opa` answers them.

`POST /v1/data/assay/…` and `GET /health`, for fixed services of its own trust domain alone, as
infra/opa/server/admission.rego says it to the real one. No editing, no bundles, no decision log.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from assay.contracts import strict_json
from assay.errors import BadRequest, Invalid, SignatureInvalid, Unavailable
from assay.identity.certificates import identity_in
from assay.policy import OpaWasm, Undefined
from assay_laptop.opa.certificates import Certificates

_DATA: Final = "/v1/data/"
_LARGEST: Final = 1 << 20  # bytes of a question
_HANDSHAKE_SECONDS: Final = 10
_IDLE_SECONDS: Final = 120
_REJECTED: Final = {"code": "unauthorized", "message": "request rejected by administrative policy"}


class DevelopmentOpa(ThreadingHTTPServer):
    """An OPA server on loopback over one policy; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, policy: OpaWasm, certificates: Certificates) -> None:
        self.policy = policy
        self._certificates = certificates
        own = certificates.identity()
        if own.service != "opa":
            raise Invalid(f"the certificate is of {own}, and clients believe /svc/core/opa alone")
        self.domain: Final = own.domain
        certificates.context()
        super().__init__(("127.0.0.1", port), _Questions)

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


class _Questions(BaseHTTPRequestHandler):
    """One connection: whose it is was settled by its handshake."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: DevelopmentOpa
    connection: socket.socket

    def do_GET(self) -> None:
        """Answer `/health`."""
        if urlsplit(self.path).path == "/health" and self._admitted():
            self._answer(HTTPStatus.OK, {})
        else:
            self._answer(HTTPStatus.UNAUTHORIZED, _REJECTED)

    def do_POST(self) -> None:
        """Answer a question to one of our rules; an undefined rule is an empty object, as OPA has it."""
        asked = urlsplit(self.path)
        if not (asked.path.startswith(f"{_DATA}assay/") and self._admitted()):
            self._answer(HTTPStatus.UNAUTHORIZED, _REJECTED)
            return
        try:
            found = self.server.policy.ask(asked.path.removeprefix(_DATA), self._question())
        except BadRequest as refusal:
            self._answer(HTTPStatus.BAD_REQUEST, {"code": "invalid_parameter", "message": refusal.detail})
        except Undefined:
            self._answer(HTTPStatus.OK, {})
        except Unavailable as refusal:
            self._answer(
                HTTPStatus.INTERNAL_SERVER_ERROR, {"code": "internal_error", "message": refusal.detail}
            )
        else:
            wanted = parse_qs(asked.query).get("provenance") == ["true"]
            self._answer(
                HTTPStatus.OK, {"result": found.result} | (_provenance(found.revision) if wanted else {})
            )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log no requests: questions name people."""

    def _admitted(self) -> bool:
        assert isinstance(self.connection, ssl.SSLSocket)  # noqa: S101 - made by finish_request
        certificate = self.connection.getpeercert() or {}
        end = certificate.get("notAfter")
        if not isinstance(end, str) or ssl.cert_time_to_seconds(end) <= time.time():
            return False
        try:
            caller = identity_in(certificate)
        except SignatureInvalid:
            return False
        return caller.domain == self.server.domain and caller.service is not None

    def _question(self) -> dict[str, Any]:
        """Read the body's `input`; raises BadRequest, and closes where the rest of the body is unread."""
        length = self.headers.get("Content-Length", "")
        if (
            not re.fullmatch(r"[0-9]{1,9}", length)
            or int(length) > _LARGEST
            or "Transfer-Encoding" in self.headers
        ):
            self.close_connection = True
            raise BadRequest(f"a question has a Content-Length of at most {_LARGEST}")
        body = strict_json(self.rfile.read(int(length)))
        question = body.get("input", {}) if isinstance(body, dict) else None
        if not isinstance(question, dict):
            raise BadRequest("a question is an object with an object `input`")
        return question

    def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        if status is HTTPStatus.UNAUTHORIZED:
            self.close_connection = True  # the body, if any, stays unread
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _provenance(revision: str) -> dict[str, Any]:
    return {"provenance": {"version": "assay-development", "bundles": {"assay": {"revision": revision}}}}
