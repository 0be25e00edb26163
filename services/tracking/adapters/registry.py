"""Models and versions, asked of the registry over mTLS for whoever signed in: with what they lent to this service."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from assay.contracts import strict_json
from assay.errors import BadRequest, Unavailable, refusal_from
from assay.identity.grants import HEADER
from assay.web.client import call
from services.tracking.allowed import API, ARTIFACTS
from services.tracking.errors import UnknownEntity

_STORED: Final = "mlflow-artifacts:/"  # how the registry says where a version's package lies


class RegistryModels:
    """`services.tracking.ports.Models` over the registry; `http` demands the registry's identity."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, path: str, query: list[tuple[str, str]], grant: str) -> dict[str, Any]:
        """See `ports.Models.ask`."""
        found: dict[str, Any] = strict_json(self._got(API + path, query, grant))
        return found

    def file(self, name: str, version: str, path: str, grant: str) -> bytes:
        """See `ports.Models.file`."""
        query = [("name", name), ("version", version)]
        source = str(self.ask("/model-versions/get", query, grant)["model_version"]["source"])
        if not source.startswith(_STORED):
            raise UnknownEntity(f"{name[:63]} {version[:20]} has no package in the registry")
        return self._got(f"{ARTIFACTS}/{source.removeprefix(_STORED)}/{quote(path)}", [], grant)

    def _got(self, path: str, query: list[tuple[str, str]], grant: str) -> bytes:
        try:
            answer = self._http.get(path, params=urlencode(query), headers={HEADER: grant})
        except httpx.TransportError as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from error
        if answer.is_success:
            return answer.content
        try:
            said = strict_json(answer.content)
        except BadRequest:
            said = None
        if (
            isinstance(said, dict) and "title" in said
        ):  # in the shape of MLflow, whatever it calls the media type
            raise refusal_from(said)
        return call(answer).content
