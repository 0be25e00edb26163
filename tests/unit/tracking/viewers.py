"""Tracking's people listener as a browser meets it: MLflow and the registry in memory, sessions begun by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.contracts import PersonId
from assay.pages import Site
from assay.pages.relying import Relying
from services.tracking.app import pages, pages_site
from tests.unit.tracking.front import parts, rules
from tests.unit.tracking.memory import MemoryMlflow

ORIGIN = "https://localhost:8445"
LENT = "what dana lent"
HOUR = 3600.0
PACKAGE = "5" * 64


@dataclass
class MemoryModels:
    """`services.tracking.ports.Models`: one model with one version; keeps what it is asked, and with which grant."""

    run: str = "1" * 32
    asked: list[tuple[str, list[tuple[str, str]], str]] = field(default_factory=list)

    def ask(self, path: str, query: list[tuple[str, str]], grant: str) -> dict[str, Any]:
        """Answer as the registry does."""
        self.asked.append((path, query, grant))
        model = {"name": "credit-default", "latest_versions": [self.version()], "aliases": [], "tags": []}
        known: dict[str, dict[str, Any]] = {
            "/registered-models/get": {"registered_model": model},
            "/registered-models/search": {"registered_models": [model]},
            "/model-versions/get": {"model_version": self.version()},
            "/model-versions/search": {"model_versions": [self.version()]},
        }
        return known[path]

    def file(self, name: str, version: str, path: str, grant: str) -> bytes:
        """Return a package's file."""
        self.asked.append((f"{name}/{version}/{path}", [], grant))
        return b"flavors: {}"

    def version(self) -> dict[str, Any]:
        """Return the one version."""
        return {
            "name": "credit-default",
            "version": "1",
            "status": "READY",
            "run_id": self.run,
            "source": f"mlflow-artifacts:/packages/sha256-{PACKAGE}",
            "tags": [{"key": "assay.package", "value": PACKAGE}],
            "aliases": ["champion"],
        }


@dataclass
class Viewers:
    """The people listener's application, and whoever looks at it."""

    mlflow: MemoryMlflow = field(default_factory=MemoryMlflow)
    models: MemoryModels = field(default_factory=MemoryModels)

    def __post_init__(self) -> None:
        self.site: Site = pages_site(ORIGIN, idle=HOUR, longest=HOUR)
        relying = Relying("https://localhost:8443", lambda _body: {})
        self.app: FastAPI = pages(parts(rules()), self.site, self.mlflow, self.models, relying)

    def nobody(self) -> TestClient:
        """Return a browser in which nobody signed in; it says where its requests come from, as browsers do."""
        said = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        return TestClient(self.app, base_url=ORIGIN, headers=said, follow_redirects=False)

    def signed_in(self, person: str = "p-dana", grant: str = LENT) -> TestClient:
        """Return a browser of somebody who signed in."""
        browser = self.nobody()
        token, _ = self.site.sessions.begin(PersonId(person), "a passkey", grant=grant)
        browser.cookies.set(self.site.cookie, token)
        return browser


class Answered(Protocol):
    """What a browser's script reads."""

    @property
    def status_code(self) -> int:
        """HTTP's."""

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body."""


def refusal(answer: Answered) -> tuple[int, str]:
    """Return what a script is refused with: the status and the name."""
    return answer.status_code, str(answer.json()["title"])
