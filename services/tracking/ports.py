"""What the use cases ask of the MLflow server, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """What MLflow answered: status, media type and body."""

    status: int
    media_type: str
    body: bytes


class Mlflow(Protocol):
    """A private MLflow server."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a request made anew from what was checked; raises TrackingDown."""

    def document(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """GET a JSON document; raises UnknownRun when MLflow has no such thing, TrackingDown."""
