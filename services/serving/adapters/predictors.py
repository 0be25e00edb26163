"""Asking predictors, over mTLS, what they do; only the predictor of that very endpoint is believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from assay.contracts import strict_json
from assay.errors import ServiceError, Unavailable
from assay.web.client import call
from services.serving.domain import Place

PAUSE: Final = 0.1


class PredictorStates:
    """Reads `/v1/state` of predictors. `settle_seconds` bounds how long a rollout is waited for."""

    def __init__(
        self,
        client: Callable[[str, Place], httpx.Client],
        url: Callable[[Place], str | None],
        *,
        settle_seconds: float,
    ) -> None:
        self._client = client
        self._url = url
        self._settle = settle_seconds
        self._clients: dict[tuple[Place, str], httpx.Client] = {}

    def state(self, place: Place) -> Mapping[str, Any]:
        """See `ports.Predictors.state`."""
        url = self._url(place)
        if url is None:
            raise Unavailable(f"the predictor of {place.about} is not running")
        client = self._clients.get((place, url)) or self._clients.setdefault(
            (place, url), self._client(url, place)
        )
        try:
            state = strict_json(call(client.get("/v1/state")).content)
        except httpx.TransportError as error:
            raise Unavailable(
                f"the predictor of {place.about} does not answer: {type(error).__name__}"
            ) from error
        return dict(state)

    def settled(self, place: Place, rollout: str) -> Mapping[str, Any]:
        """See `ports.Predictors.settled`."""
        until = time.monotonic() + self._settle
        last = f"the predictor of {place.about} did not start"
        while time.monotonic() < until:
            try:
                state = self.state(place)
            except ServiceError as error:
                last = error.detail
            else:
                if _is_settled(state, rollout):
                    return state
                reason = (state["reason"] or {}).get("detail")
                last = f"the predictor of {place.about} is still loading: {reason}"
            time.sleep(PAUSE)
        raise Unavailable(f"{last}; waited {self._settle:g} s")

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


def _is_settled(state: Mapping[str, Any], rollout: str) -> bool:
    failure = state["failure"]
    return state["rollout"] == rollout or (failure is not None and failure["rollout"] == rollout)
