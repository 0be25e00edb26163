"""The registry's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """What every service is told, whose models these are, and how long an approval may be asked to hold."""

    tenant: str = "demo"
    approval_days: int = 30
    training_timeout_seconds: float = 120
