"""What serving is told by its environment."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class ServingSettings(ServiceSettings):
    """Serving's own settings; durations in seconds."""

    settle_seconds: float = 60
    predictor_certificate_ttl_seconds: int = 3600
