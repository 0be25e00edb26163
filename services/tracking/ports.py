"""What the use cases ask of the MLflow server, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True)
class Answer:
    """What MLflow answered: status, media type (`JSON` or `OCTETS`) and body."""

    status: int
    media_type: str
    body: bytes


class Mlflow(Protocol):
    """A private MLflow server. Requests are made anew from what was checked; all raise TrackingDown."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Answer:
        """Ask with parameters or JSON."""

    def store(self, path: str, content: IO[bytes]) -> Answer:
        """PUT a file's bytes, from where it stands."""

    def fetch(self, path: str, into: IO[bytes], query: list[tuple[str, str]] | None = None) -> Answer:
        """GET a file's bytes into another: the answer's body is empty then. Refusals leave the file as it is."""

    def document(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """GET a JSON document; raises UnknownEntity when MLflow has no such thing."""


class Models(Protocol):
    """Registered models and their versions, in MLflow's JSON: the registry's.

    `grant` is what whoever signed in lent to this service at their sign-in; both raise what the registry refuses.
    """

    def ask(self, path: str, query: list[tuple[str, str]], grant: str) -> dict[str, Any]:
        """GET a document below `/api/2.0/mlflow`."""

    def file(self, name: str, version: str, path: str, grant: str) -> bytes:
        """Return one file of a version's package."""
