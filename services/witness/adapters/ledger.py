"""The ledger over mTLS, as its witness asks it."""

from __future__ import annotations

from typing import Any

import httpx

from assay.contracts import SignedFact, strict_json
from assay.errors import BadRequest, Unavailable
from assay.ledger import LogForked, Record
from assay.web.client import call


class LedgerHttp:
    """A `SignedLog` over the ledger's routes."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def signed(self, after_ms: int, seconds: float) -> str:
        """See `SignedLog.signed`."""
        params = {"after_ms": str(after_ms), "seconds": str(seconds)}
        return self._send("GET", "/v1/witness/checkpoint", params=params).text

    def entries(self, start: int, limit: int) -> list[Record]:
        """See `SignedLog.entries`."""
        params = {"start": str(start), "limit": str(limit)}
        answer = strict_json(self._send("GET", "/v1/entries", params=params).content)
        try:
            envelopes = answer["entries"]
            return [Record(start + at, SignedFact.from_json(one)) for at, one in enumerate(envelopes)]
        except (BadRequest, KeyError, TypeError) as error:
            raise LogForked(f"the log gives no envelopes from {start} on: {error!r}"[:300]) from error

    def hand_in(self, time_ms: int, line: str) -> None:
        """See `SignedLog.hand_in`."""
        self._send("POST", "/v1/witness/cosignatures", json={"time_ms": time_ms, "line": line})

    def compare(self, note: str) -> None:
        """See `SignedLog.compare`."""
        self._send("POST", "/v1/witness/last", json={"note": note})

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        try:
            return call(self._http.request(method, path, **options))
        except httpx.TransportError as error:
            raise Unavailable(f"the ledger does not answer: {error}") from error
