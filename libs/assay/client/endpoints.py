"""Endpoints: what answers where, predictions by the Open Inference Protocol, and their receipts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from assay.client.service import Service
from assay.custody.receipt import export
from assay.errors import Unavailable

if TYPE_CHECKING:
    from assay.client.session import Session


PUBLISHED_SECONDS: Final = 10.0  # a fact is in the log before a checkpoint that covers it is published
PAUSE_SECONDS: Final = 0.1


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

    def receipt_bundle(self, environment: str, endpoint: str, receipt: str) -> dict[str, Any]:
        """Return the file that proves a receipt, with every fact behind it, for `assay verify`.

        Raises:
            NotFound, Unavailable: the receipt, or a checkpoint that covers its batch, is not there yet.
        """
        part = self.receipt(environment, endpoint, receipt)
        self._follow_to(part["journal"])
        return export(part, self._session.ledger, self._session.follower)

    def _follow_to(self, fact: str) -> None:
        end = time.monotonic() + PUBLISHED_SECONDS
        while self._session.follower.record(fact) is None:
            if time.monotonic() > end:
                raise Unavailable(f"no checkpoint covers fact {fact[:12]} yet", fix="try again in a moment")
            time.sleep(PAUSE_SECONDS)
            self._session.follower.catch_up()
