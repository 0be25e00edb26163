"""Endpoints: what answers where, predictions by the Open Inference Protocol, and their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.client.service import Service

if TYPE_CHECKING:
    from assay.client.session import Session


class Endpoints:
    """What serving and its predictors answer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._serving = session.service("serving")

    def roll_out(
        self, environment: str, endpoint: str, model: str, number: int, reason: str
    ) -> dict[str, Any]:
        """Make an endpoint answer with a version; returns when its predictor does, or says why not."""
        body = {"model": model, "number": number, "reason": reason}
        return dict(self._serving.post(f"/v1/endpoints/{environment}/{endpoint}/rollouts", body))

    def roll_back(self, environment: str, endpoint: str, reason: str) -> dict[str, Any]:
        """Return an endpoint to the version before."""
        return dict(
            self._serving.post(f"/v1/endpoints/{environment}/{endpoint}/rollback", {"reason": reason})
        )

    def get(self, environment: str, endpoint: str) -> dict[str, Any]:
        """Return an endpoint's address, version and state."""
        return dict(self._serving.get(f"/v1/endpoints/{environment}/{endpoint}"))

    def predictor(self, environment: str, endpoint: str) -> Service:
        """Return the caller for an endpoint's predictor, whose identity is checked."""
        url = self.get(environment, endpoint)["url"]
        return self._session.service_at(url, expect=f"/svc/{environment}/predictor/{endpoint}")

    def predict(
        self, environment: str, endpoint: str, rows: Sequence[Sequence[float]], *, name: str = "features"
    ) -> dict[str, Any]:
        """Ask for predictions; the response's `parameters` name the receipt and hold its salt."""
        model = self.get(environment, endpoint)["model"]
        tensor = {
            "name": name,
            "shape": [len(rows), len(rows[0]) if rows else 0],
            "datatype": "FP32",
            "data": [value for row in rows for value in row],
        }
        predictor = self.predictor(environment, endpoint)
        return dict(predictor.post(f"/v2/models/{model}/infer", {"inputs": [tensor]}))

    def receipt(self, environment: str, endpoint: str, receipt: str) -> dict[str, Any]:
        """Return a receipt with its place in a journal batch that has reached the ledger."""
        return dict(self.predictor(environment, endpoint).get(f"/v1/receipts/{receipt}"))
