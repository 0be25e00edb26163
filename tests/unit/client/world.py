"""A platform without servers: who is logged in, and a function that answers for every service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx

from assay.client import Platform, Session
from assay.contracts import SpiffeId
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.person import PersonIdentity

SERVICES = ("identity", "ingestion", "features", "training", "evaluator", "registry", "serving", "tracking")


@dataclass(frozen=True)
class Call:
    """One request as a service sees it: to whom (the identity expected there), what, and with which grant."""

    expect: str
    method: str
    path: str
    params: dict[str, str]
    body: Any
    grant: str | None


Answers = Callable[[Call], Any]


@dataclass
class LoggedIn:
    """A certificate's holder whose connections all end in one function; see `assay.identity.person`."""

    folder: Path
    answers: Answers
    calls: list[Call] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whom the certificate names."""
        return SpiffeId("assay.demo", f"/people/p-{self.folder.name}")

    @property
    def combined_path(self) -> Path:
        """Where key and certificate are."""
        return self.folder / "identity.pem"

    def client(self, base_url: str, *, expect: str, timeout: float) -> httpx.Client:
        """Return a client of whoever is `expect`."""

        def answer(request: httpx.Request) -> httpx.Response:
            call = Call(
                expect,
                request.method,
                request.url.path,
                dict(request.url.params),
                json.loads(request.content or b"null"),
                request.headers.get("assay-grant"),
            )
            self.calls.append(call)
            found = self.answers(call)
            return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

        made = httpx.Client(base_url=base_url, transport=httpx.MockTransport(answer), timeout=timeout)
        self.clients.append(made)
        return made


def write_platform(home: Path, **changes: Any) -> Path:  # noqa: ANN401 - JSON members
    """Write the description of a platform."""
    home.mkdir(parents=True, exist_ok=True)
    described = {
        "trust_domain": "assay.demo",
        "ca": "ca.pem",
        "root": "root.json",
        "urls": {name: f"https://{name}.test" for name in (*SERVICES, "login", "ledger")},
    }
    (home / "platform.json").write_text(json.dumps(described | changes))
    return home


def session(home: Path, answers: Answers, *, name: str = "dana") -> tuple[Session, LoggedIn]:
    """Return a session of somebody who is logged in, and what they hold."""
    platform = Platform.load(write_platform(home))
    held = LoggedIn(platform.person(name), answers)
    return Session(platform, cast("PersonIdentity", held)), held


def passkey(home: Path, name: str) -> SoftwareAuthenticator:
    """Make the software passkey of a person, as `assay init` does."""
    place = home / "people" / name / "authenticator.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    return SoftwareAuthenticator.create(f"p-{name}", "localhost", "https://localhost:8443", place)
