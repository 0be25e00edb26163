"""What serving and its predictors say, asked over mTLS as the registry itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from assay.errors import Unavailable
from assay.web.client import call
from services.registry.ports import Place

Dial = Callable[[str, str], httpx.Client]


class ServingPlaces:
    """Endpoints at serving; `http` demands serving's identity, `dial(url, expect)` that of a predictor."""

    def __init__(self, http: httpx.Client, dial: Dial) -> None:
        self._http = http
        self._dial = dial

    def all(self) -> Mapping[tuple[str, str], Place]:
        """See `ports.Places.all`."""
        views = _asked(self._http, "/v1/endpoints", "serving")["endpoints"]
        return {
            (str(view["environment"]), str(view["endpoint"])): Place(str(view["url"]), str(view["state"]))
            for view in views
        }

    def receipt(self, environment: str, endpoint: str, receipt: str) -> Mapping[str, Any]:
        """See `ports.Places.receipt`."""
        place = self.all()[environment, endpoint]
        identity = f"/svc/{environment}/predictor/{endpoint}"
        with self._dial(place.url, identity) as http:
            return _asked(http, f"/v1/receipts/{quote(receipt, safe='')}", "the predictor")


def _asked(http: httpx.Client, path: str, who: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = call(http.get(path)).json()
    except httpx.TransportError as error:
        raise Unavailable(f"{who} does not answer: {type(error).__name__}") from error
    return found
