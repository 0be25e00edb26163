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
        """See `ports.Names.all`. One caller asks identity; the others meanwhile go on with what was known."""
        with self._lock:
            known, due = self._names, self._clock() - self._asked > FRESH_SECONDS
            if due:
                self._asked = self._clock()
        if not due:
            return known
        found = self._fetched()
        if found is None:
            return known
        with self._lock:
            self._names = found
        return found

    def _fetched(self) -> Mapping[str, str] | None:
        """Return what identity says now; None where it does not answer."""
        try:
            everybody = call(self._http.get("/v1/people")).json()["people"]
        except (ServiceError, httpx.TransportError):
            return None
        return {str(each["person"]): str(each["name"]) for each in everybody if each["name"]}
