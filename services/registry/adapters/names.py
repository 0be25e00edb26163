"""What people are called, asked of identity over mTLS as the registry itself; ids where it does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from assay.errors import ServiceError
from assay.web.client import call

FRESH_SECONDS: Final = 30.0


class IdentityNames:
    """Names by person id, kept in memory for half a minute; `http` demands identity's identity.

    A page is shown without names sooner than not at all: who decides is an id in every fact.
    """

    def __init__(self, http: httpx.Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._names: Mapping[str, str] = {}
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def all(self) -> Mapping[str, str]:
        """See `ports.Names.all`."""
        with self._lock:
            if self._clock() - self._asked > FRESH_SECONDS:
                self._asked = self._clock()
                self._names = self._fetched()
            return self._names

    def _fetched(self) -> Mapping[str, str]:
        try:
            everybody = call(self._http.get("/v1/people")).json()["people"]
        except (ServiceError, httpx.TransportError):
            return self._names
        return {str(each["person"]): str(each["name"]) for each in everybody if each["name"]}
