"""`python -m services.ingestion`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.ingestion.adapters.great_expectations import GreatExpectations
from services.ingestion.app import build
from services.ingestion.settings import IngestionSettings


def main() -> None:
    """Serve; Great Expectations is loaded after the service answers."""
    settings = IngestionSettings.from_environment()
    engine = GreatExpectations()
    run(settings, lambda parts: build(parts, settings, engine), background=lambda _parts: engine.load())


if __name__ == "__main__":
    main()
