"""Logging in through a browser: by a redirect to this machine, or by a code that is confirmed on another.

The key is made here and named when asking, so that what comes back certifies it and no other. The redirect goes
to a port of 127.0.0.1 that listens for one answer; the code in it is worth nothing without the verifier (PKCE).
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from assay.errors import ServiceError, Unauthenticated
from assay.identity import base64url
from assay.identity.certificates import key_digest, new_key, request_for

PATIENCE_SECONDS: Final = 300
_ANSWER: Final = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Assay</title>
<p>You can close this page and go back to the command.</p></html>"""
Exchange = Callable[[str, dict[str, Any]], dict[str, Any]]


class AuthorizationPending(ServiceError):
    """Nobody has confirmed this machine yet."""

    status = 428
    fix = "open the page, compare the code, confirm it; the command asks again by itself"


class LoginDenied(Unauthenticated):
    """The browser came back without a code."""

    fix = "run `assay login` again and allow it in the page that opens"


@dataclass(frozen=True)
class Asked:
    """A fresh key, its request, and what proves later that it was we who asked."""

    key: str = field(default_factory=new_key, repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @property
    def csr(self) -> str:
        """The certificate request."""
        return request_for(self.key)

    def address(self, people: str, redirect: str) -> str:
        """Return the page on which a person grants it."""
        challenge = base64url.encode(hashlib.sha256(self.verifier.encode()).digest())
        asked = {
            "client": "command",
            "redirect_uri": redirect,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": self.state,
            "key": key_digest(self.csr),
            "host": socket.gethostname()[:80],
        }
        return f"{people}/authorize?{urlencode(asked)}"


def by_redirect(people: str, exchange: Exchange, show: Callable[[str], None]) -> tuple[str, str]:
    """Have a browser on this machine grant a certificate; return key and certificate, PEM.

    `show(address)` opens the page; `exchange(path, body)` posts to the login listener.

    Raises:
        LoginDenied: the person refused, or nothing came back in five minutes.
    """
    asked = Asked()
    with _Loopback(("127.0.0.1", 0), _Answer) as server:
        redirect = f"http://127.0.0.1:{server.server_port}/signed-in"
        show(asked.address(people, redirect))
        code = server.wait_for(asked.state)
    body = {"code": code, "verifier": asked.verifier, "redirect_uri": redirect, "csr": asked.csr}
    return asked.key, exchange("/v1/login/code", body)["certificate"]


def by_device(
    exchange: Exchange,
    show: Callable[[str, str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[str, str]:
    """Have a browser anywhere confirm this machine; `show(address, code)` tells the person where and what.

    Raises:
        LoginDenied: nobody confirmed it in time.
        OneTimeCodeRefused: somebody sent it away.
    """
    asked = Asked()
    named = {"key": key_digest(asked.csr), "host": socket.gethostname()[:80]}
    given = exchange("/v1/login/device", named)
    show(str(given["address"]), str(given["code"]))
    end = clock() + float(given["seconds"])
    while clock() < end:
        try:
            body = {"device": given["device"], "csr": asked.csr}
            return asked.key, exchange("/v1/login/device/certificate", body)["certificate"]
        except AuthorizationPending:
            pause(float(given["interval"]))
    raise LoginDenied("nobody confirmed this machine in time")


class _Loopback(HTTPServer):
    """Waits for the browser to come back with the state it was sent with; anything else is answered 404."""

    answer: dict[str, list[str]] | None = None

    def wait_for(self, state: str) -> str:
        """Return the code."""
        self.timeout = 1
        end = time.monotonic() + PATIENCE_SECONDS
        self.state = state
        while self.answer is None and time.monotonic() < end:
            self.handle_request()
        code = (self.answer or {}).get("code", [])
        if len(code) != 1:
            raise LoginDenied("it was not granted in the browser")
        return code[0]


class _Answer(BaseHTTPRequestHandler):
    """One answer of the browser."""

    server: _Loopback
    timeout: ClassVar[int] = 5

    def do_GET(self) -> None:
        """Take the answer when it is the one that was asked for."""
        target = urlsplit(self.path)
        asked = parse_qs(target.query)
        ours = target.path == "/signed-in" and asked.get("state") == [self.server.state]
        self.send_response(200 if ours else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-security-policy", "default-src 'none'")
        self.end_headers()
        self.wfile.write(_ANSWER if ours else b"")
        if ours:
            self.server.answer = asked

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the address holds the code."""
