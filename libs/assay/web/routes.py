"""Routes that cannot exist without a permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

PUBLIC: Final = "public"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Routes:
    """Some routes of a service, each with its permission, e.g. `registry/promote`."""

    def __init__(self, prefix: str = "") -> None:
        raise NotImplementedError

    def get(
        self, path: str, *, permission: str, body_limit: int | None = None, **options: Any
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a GET route; `options` are FastAPI's; `body_limit` is in bytes."""
        raise NotImplementedError

    post = put = patch = delete = head = get
