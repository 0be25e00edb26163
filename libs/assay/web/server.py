"""Running a service process under the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI

from assay.web.settings import ServiceSettings


def run(
    settings: ServiceSettings,
    build: Callable[[Any], FastAPI],
    *,
    background: Callable[[Any], None] | None = None,
    join: Callable[[Any], Any] | None = None,
    also: Callable[[Any], Sequence[Any]] | None = None,
) -> None:
    """Join the parts, listen, print events, serve until SIGTERM.

    `join(settings)` defaults to `Parts.join`; what it returns needs `identity` and `close()`.
    `background(parts)` loads heavy engines in a thread after listening; `ready` is printed when it returns.
    `also(parts)` gives further listeners of this process.
    """
    raise NotImplementedError
