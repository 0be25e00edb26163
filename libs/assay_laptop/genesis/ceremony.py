"""The founders' passkeys, made and used in a browser on this machine: `assay init --browser`.

Genesis runs in the command's thread and asks for one thing at a time: a passkey, or a signature. The page, on the
people listener's own origin, shows it; nobody else finds the page, whose path is a secret that the command prints.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qs, urlsplit

from assay.contracts import Assertion, CredentialBound, canonical
from assay.errors import NotFound, ServiceError
from assay.identity import base64url
from assay.identity.registration import creation_options, registered
from assay.identity.webauthn import verify_assertion
from assay.pages.app import POLICY
from assay.pages.errors import CrossSite
from assay.pages.render import STATIC, Site, static_file, static_path
from assay.pages.sessions import Sessions

RP_ID: Final = "localhost"
_LIMIT: Final = 64 * 1024  # bytes of a form


@dataclass(frozen=True)
class Step:
    """What the page asks for now: of whom, in which words; the answer is the waiting command's."""

    name: str
    person: str
    words: str
    credential: CredentialBound | None = None  # None: a passkey is to be made
    statement: dict[str, Any] = field(default_factory=dict)
    challenge: str = field(default_factory=lambda: base64url.encode(secrets.token_bytes(32)))
    answer: Future[Any] = field(default_factory=Future, repr=False)

    @property
    def text(self) -> str:
        """The canonical statement."""
        return canonical(self.statement).decode()


class Ceremony:
    """A page that one browser on this machine steps through; `with` serves it."""

    def __init__(self, origin: str, context: ssl.SSLContext) -> None:
        self.origin = origin
        self.path = f"/init/{secrets.token_urlsafe(24)}"
        self.step: Step | None = None
        self.done = False
        self.site = Site("init", "Beginning", origin, Path(__file__).parent / "templates", Sessions())
        self._server = _Server(("127.0.0.1", urlsplit(origin).port or 443), _Handler)
        self._server.ceremony = self
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="ceremony", daemon=True)

    @property
    def address(self) -> str:
        """Where the browser goes."""
        return f"{self.origin}{self.path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def passkey(self, name: str, person: str) -> CredentialBound:
        """Have a founder make a passkey; blocks until it is made."""
        found: CredentialBound = self._asked(Step(name, person, "Make a passkey"))
        return found

    def signature(self, name: str, bound: CredentialBound, statement: dict[str, Any]) -> Assertion:
        """Have a founder sign a statement; blocks until it is signed."""
        words = {"assay-root/v1": "Sign the trust root", "assay-policy/v1": "Put the policy in force"}
        step = Step(name, bound.person, words.get(str(statement.get("type")), "Sign"), bound, statement)
        said: Assertion = self._asked(step)
        return said

    def take(self, form: dict[str, str]) -> None:
        """Take what the page sends for the step that is open; raises a refusal, and the step stays open."""
        step = self.step
        if step is None or form.get("step") != step.challenge:
            return  # sent twice, or by a page that is behind
        if step.credential is None:
            answer: Any = registered(
                person=step.person,
                challenge=step.challenge,
                rp_id=RP_ID,
                origin=self.origin,
                **{name: form.get(name, "") for name in ("credential_id", "client_data", "attestation")},
            )
        else:
            proof = ("credential_id", "authenticator_data", "client_data", "signature")
            given = {name: form.get(name, "") for name in proof}
            answer = Assertion(statement=step.statement, person=step.person, **given)
            verify_assertion(answer, step.credential, rp_id=RP_ID, origins=[self.origin], demonstration=False)
        self.step = None
        step.answer.set_result(answer)

    def options(self) -> dict[str, Any]:
        """Return what the browser is asked to make."""
        step = self.step
        if step is None or step.credential is not None:
            raise NotFound("no passkey is to be made now")
        return creation_options(
            rp_id=RP_ID, person=step.person, name=step.name, challenge=step.challenge, exclude=[]
        )

    def _asked(self, step: Step) -> Any:  # noqa: ANN401 - the step's answer
        self.step = step
        return step.answer.result()


@dataclass(frozen=True)
class BrowserPasskey:
    """A founder's passkey, used in the page."""

    name: str
    bound: CredentialBound
    ceremony: Ceremony

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Have the founder sign a statement."""
        return self.ceremony.signature(self.name, self.bound, statement)


class _Server(ThreadingHTTPServer):
    ceremony: Ceremony
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a browser that hangs up, or does not trust the certificate yet."""


class _Handler(BaseHTTPRequestHandler):
    """Pages of one step each."""

    server: _Server
    protocol_version = "HTTP/1.0"
    timeout: ClassVar[int] = 30

    def do_GET(self) -> None:
        """Show the step, or a shared file."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Take the step's answer."""
        self._answered(self._post)

    def log_message(self, *_: object) -> None:
        """Say nothing: the path is a secret."""

    def _answered(self, answer: Callable[[Ceremony], None]) -> None:
        ceremony = self.server.ceremony
        try:
            if self.headers.get_all("host") != [urlsplit(ceremony.origin).netloc]:
                raise NotFound(f"this page is {ceremony.origin}")
            answer(ceremony)
        except ServiceError as refusal:
            self._page(refusal.status, "error.html", refusal=refusal, trace="")

    def _get(self, ceremony: Ceremony) -> None:
        if self.path == ceremony.path:
            self._page(200, "ceremony.html", step=ceremony.step, done=ceremony.done, here=ceremony.path)
            return
        name = self.path.rpartition("/")[2]
        if name not in STATIC or self.path != static_path(name):
            raise NotFound("there is nothing here", fix="open the address the command printed")
        self._send(200, static_file(name), STATIC[name])

    def _post(self, ceremony: Ceremony) -> None:
        if self.headers.get_all("origin") != [ceremony.origin]:
            raise CrossSite("the form was not sent by this page")
        length = int(self.headers.get("content-length") or 0)
        sent = parse_qs(self.rfile.read(min(length, _LIMIT)).decode(errors="replace"))
        if self.path == f"{ceremony.path}/options":
            self._send(200, json.dumps(ceremony.options()).encode(), "application/json")
        elif self.path == ceremony.path:
            ceremony.take({name: values[0] for name, values in sent.items()})
            self._send(303, b"", "text/plain", location=ceremony.path)
        else:
            raise NotFound("there is nothing here", fix="open the address the command printed")

    def _page(self, status: int, template: str, **values: Any) -> None:  # noqa: ANN401 - template values
        site = self.server.ceremony.site
        shown = site.environment.get_template(template).render(
            site=site, session=None, caller=None, navigation=[], path=self.path, **values
        )
        self._send(status, shown.encode(), "text/html; charset=utf-8")

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        plain = {
            "content-type": kind,
            "content-length": str(len(body)),
            "content-security-policy": POLICY,
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "cache-control": "no-store",
        }
        for name, value in (plain | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
