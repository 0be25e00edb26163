"""Who outside the platform is told what happens in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from assay.client.session import Session


class Webhooks:
    """The registry's webhooks, for people who may manage them."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")

    def all(self) -> list[dict[str, Any]]:
        """Return every webhook, with how far it was told."""
        return list(self._registry.get("/v1/webhooks")["webhooks"])

    def add(self, name: str, url: str, events: Sequence[str], *, form: str = "mlflow") -> dict[str, Any]:
        """Register a webhook; `secret` of what is returned is said this once."""
        wanted = {"name": name, "url": url, "events": list(events), "form": form}
        return dict(self._registry.post("/v1/webhooks", wanted))

    def test(self, name: str) -> dict[str, Any]:
        """Send an event of no meaning now; returns whether it was taken."""
        return dict(self._registry.post(f"/v1/webhooks/{quote(name, safe='')}/test"))

    def remove(self, name: str) -> None:
        """Forget a webhook and its secret."""
        self._registry.request("DELETE", f"/v1/webhooks/{quote(name, safe='')}")
