"""Features' settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class FeatureSettings(ServiceSettings):
    """What every service is told, and whose features this one makes."""

    tenant: str = "demo"
