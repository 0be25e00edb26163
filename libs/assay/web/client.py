"""Reading another service's answer: a refusal over there is the same refusal here."""

from __future__ import annotations

import httpx

from assay.contracts import strict_json
from assay.errors import BadRequest, ServiceError, Unavailable, refusal_from


def call(response: httpx.Response) -> httpx.Response:
    """Return a successful response, or raise the refusal its problem details name.

    Raises:
        ServiceError: the subclass the problem's `title` names; Unavailable when there are no problem details.
    """
    if response.is_success:
        return response
    response.read()
    raise _refusal(response)


def _refusal(response: httpx.Response) -> ServiceError:
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/problem+json":
        try:
            problem = strict_json(response.content)
        except BadRequest:
            problem = None
        if isinstance(problem, dict):
            return refusal_from(problem)
    return Unavailable(f"{response.request.url} answered {response.status_code} without saying why")
