"""Packages of runs, fetched from training over mTLS as the registry itself."""

from __future__ import annotations

import httpx

from assay.custody import PackageFiles, from_tar
from assay.errors import Unavailable
from assay.web.client import call


class TrainingRuns:
    """Runs at the training service; `http` is a client that demands training's identity."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def package(self, run: str, checkpoint: str) -> PackageFiles:
        """See `ports.Runs.package`."""
        try:
            answer = call(self._http.get(f"/v1/runs/{run}/packages/{checkpoint}"))
        except httpx.TransportError as error:
            raise Unavailable(f"training does not answer: {type(error).__name__}") from error
        return from_tar(answer.content)
