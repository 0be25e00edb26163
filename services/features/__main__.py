"""`python -m services.features`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from assay.web.tenants import PerTenant
from services.features.adapters.feast_views import FeastViews, project
from services.features.app import build
from services.features.settings import FeatureSettings


def main() -> None:
    """Serve; Feast is loaded after the service answers."""
    settings = FeatureSettings.from_environment()
    views = PerTenant(lambda tenant: FeastViews(settings.data_dir / "feast" / tenant, project(tenant)))
    run(
        settings,
        lambda parts: build(parts, settings, views.of),
        background=lambda parts: views.of(parts.follower.tenant).load(),
    )


if __name__ == "__main__":
    main()
