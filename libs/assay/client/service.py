"""One service, called as a person: JSON in, JSON out, refusals as the classes they were raised as."""

from __future__ import annotations

from typing import Any

import httpx

from assay.errors import Unavailable, refusal_from


class Service:
    """A thin caller over one mTLS client; every refusal keeps its name, status and fix."""

    def __init__(self, name: str, http: httpx.Client) -> None:
        self.name = name
        self.http = http

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """GET a JSON document."""
        return self.request("GET", path, params=params).json()

    def bytes(self, path: str) -> bytes:
        """GET bytes."""
        return self.request("GET", path).content

    def post(self, path: str, body: Any = None, *, grant: str | None = None, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """POST a JSON body; `grant` lets the service act for the caller further on."""
        headers = {"Assay-Grant": grant} if grant else None
        return self.request("POST", path, json=body, headers=headers, params=params).json()

    def put(self, path: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """PUT a JSON body."""
        return self.request("PUT", path, json=body).json()

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send one request; raises the refusal the service named, or Unavailable when nothing answers."""
        try:
            response = self.http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise Unavailable(f"{self.name} does not answer: {type(error).__name__}: {error}") from error
        if response.is_success:
            return response
        raise refusal_from(_problem(response))


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "title" in problem:
        return problem
    return {"title": "ServiceError", "status": response.status_code, "detail": response.text[:500]}
