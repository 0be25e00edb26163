"""`python -m services.features`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.features.adapters.feast_views import FeastViews
from services.features.app import build
from services.features.settings import FeatureSettings


def main() -> None:
    """Serve; Feast is loaded after the service answers."""
    settings = FeatureSettings.from_environment()
    views = FeastViews(settings.data_dir / "feast", settings.tenant)
    run(settings, lambda parts: build(parts, settings, views), background=lambda _parts: views.load())


if __name__ == "__main__":
    main()
