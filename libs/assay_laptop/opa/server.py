"""The development OPA server: questions to our rules over HTTP, as `opa` answers them.

`POST /v1/data/assay/…` and `GET /health`, for fixed services of its own trust domain alone, as
infra/opa/server/admission.rego says it to the real one. Its rules come from a signed bundle, which it verifies as
`opa` does and takes up again whenever the file changes. No editing, no decision log.
"""

from __future__ import annotations

import re
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from assay.contracts import strict_json
from assay.errors import BadRequest, ServiceError, Unavailable
from assay.policy import Answer, OpaWasm, Undefined
from assay.policy.bundle import PolicyBundle
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.listener import Connection, Listener

_DATA: Final = "/v1/data/"
_LARGEST: Final = 1 << 20  # bytes of a question
_LOOK_EVERY_SECONDS: Final = 0.5


class Rules:
    """The rules of a bundle's file, verified with one key; while the file is no such bundle the ones before stay."""

    def __init__(self, file: Path, public_key_pem: str) -> None:
        self._file = file
        self._key = public_key_pem
        self._seen: tuple[int, int] = (0, 0)
        self._loaded: OpaWasm | None = None
        self.look()
        if self._loaded is None:
            raise Unavailable(f"{file} holds no policy to start with")

    @property
    def revision(self) -> str:
        """The revision that answers."""
        return self._rules().revision

    def ask(self, path: str, question: dict[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        return self._rules().ask(path, question)

    def follow(self) -> None:
        """Look again and again, in a thread."""

        def look() -> None:
            while True:
                threading.Event().wait(_LOOK_EVERY_SECONDS)
                self.look()

        threading.Thread(target=look, name="policy", daemon=True).start()

    def look(self) -> None:
        """Take up the file if it is another one than before and verifies."""
        try:
            found = self._file.stat()
            if self._seen == (seen := (found.st_ino, found.st_mtime_ns)):
                return
            self._seen = seen
            bundle = PolicyBundle.verified(self._file.read_bytes(), self._key)
            self._loaded = OpaWasm(bundle.wasm)
        except (ServiceError, OSError) as error:
            print(f"bundle not taken up: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        else:
            print(f"policy {bundle.revision}", file=sys.stderr, flush=True)

    def _rules(self) -> OpaWasm:
        if self._loaded is None:
            raise Unavailable("there is no policy")
        return self._loaded


class DevelopmentOpa(Listener):
    """An OPA server on loopback over one bundle."""

    def __init__(self, port: int, policy: Rules, certificates: Certificates) -> None:
        self.policy = policy
        super().__init__(port, certificates, _Questions)


class _Questions(Connection):
    """Questions of one connection."""

    server: DevelopmentOpa

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Answer `/health`."""
        if urlsplit(self.path).path == "/health" and self.caller() is not None:
            self.answer(HTTPStatus.OK, {})
        else:
            self.reject()

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        """Answer a question to one of our rules; an undefined rule is an empty object, as OPA has it."""
        asked = urlsplit(self.path)
        if not asked.path.startswith(f"{_DATA}assay/") or self.caller() is None:
            self.reject()
            return
        try:
            found = self.server.policy.ask(asked.path.removeprefix(_DATA), self._question())
        except BadRequest as refusal:
            self.answer(HTTPStatus.BAD_REQUEST, {"code": "invalid_parameter", "message": refusal.detail})
        except Undefined:
            self.answer(HTTPStatus.OK, {})
        except Unavailable as refusal:
            self.answer(
                HTTPStatus.INTERNAL_SERVER_ERROR, {"code": "internal_error", "message": refusal.detail}
            )
        else:
            wanted = parse_qs(asked.query).get("provenance") == ["true"]
            self.answer(
                HTTPStatus.OK, {"result": found.result} | (_provenance(found.revision) if wanted else {})
            )

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


def _provenance(revision: str) -> dict[str, Any]:
    return {"provenance": {"version": "assay-development", "bundles": {"assay": {"revision": revision}}}}
