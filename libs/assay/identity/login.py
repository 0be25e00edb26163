"""Logging in: a key made here, a challenge signed by the passkey, a one-hour certificate in exchange.

The statement that is signed names the key, so that what was signed cannot be used to certify another one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from assay.contracts import Assertion, strict_json
from assay.errors import SignatureInvalid
from assay.identity.certificates import key_digest, new_key, request_for
from assay.identity.holder import anonymous_client
from assay.identity.person import PersonIdentity
from assay.identity.statements import LOGIN
from assay.web.client import call


class Authenticator(Protocol):
    """A passkey: in a demonstration `SoftwareAuthenticator`."""

    person: str

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Say the statement."""


Exchange = Callable[[str, dict[str, Any]], dict[str, Any]]


def login(
    authenticator: Authenticator, *, login_url: str, ca_path: Path, trust_domain: str, folder: Path
) -> PersonIdentity:
    """Log in at identity's login listener and write the certificate into `folder` (0600 files).

    Who logs in is whose passkey it is: names stay on this side.

    Raises:
        Unauthenticated: identity does not accept the passkey.
        SignatureInvalid: identity asked to sign something else than this login.
    """
    ca_pem = ca_path.read_text(encoding="utf-8")
    with anonymous_client(login_url, ca_pem=ca_pem, trust_domain=trust_domain, expect="identity") as http:

        def exchange(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = strict_json(call(http.post(path, json=body)).content)
            return answer

        return _exchanged(authenticator, exchange, trust_domain, ca_pem, folder)


def _exchanged(
    authenticator: Authenticator,
    exchange: Exchange,
    trust_domain: str,
    ca_pem: str,
    folder: Path,
) -> PersonIdentity:
    key = new_key()
    csr = request_for(key)
    asked = exchange("/v1/login/challenge", {"person": authenticator.person, "key": key_digest(csr)})[
        "statement"
    ]
    expected = {"type": LOGIN, "trust_domain": trust_domain, "key": key_digest(csr)}
    if any(asked.get(member) != value for member, value in expected.items()):
        raise SignatureInvalid("identity asked to sign something else than this login; nothing was signed")
    said = authenticator.assert_(asked)
    issued = exchange("/v1/login", {"assertion": said.model_dump(mode="json"), "csr": csr})
    return PersonIdentity.write(folder, key, issued["certificate"], ca_pem)
