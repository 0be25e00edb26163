"""Features' settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class FeatureSettings(ServiceSettings):
    """What every service is told, and in which region this one works on data ("" where regions do not matter)."""

    region: str = ""
