"""`python -m services.serving`: serve until SIGTERM; predictors are this process's children."""

from __future__ import annotations

from assay.web.server import run
from services.serving.app import ServingParts, build
from services.serving.settings import ServingSettings


def _restore(parts: ServingParts) -> None:
    parts.endpoints.restore()


if __name__ == "__main__":
    run(ServingSettings.from_environment(), build, join=ServingParts.join, background=_restore)
