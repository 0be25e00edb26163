"""The registry's settings."""

from __future__ import annotations

from pathlib import Path

from assay.web.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """What every service is told, and the registry's own: whose models these are, its pages, how long things last.

    `registry_pages_origin` is the exact origin of the people listener, `people_origin` identity's, where people
    sign in; `approval_days` is how long an approval may be asked to hold. `webhook_private` lists, with commas,
    each `host:port` that webhooks may call though it is no public host; `webhook_ca` is who certifies receivers, in
    place of the system's authorities.
    """

    tenant: str = "demo"
    pages_port: int
    registry_pages_origin: str
    people_origin: str
    approval_days: int = 30
    training_timeout_seconds: float = 120
    webhook_private: str = ""
    webhook_ca: Path | None = None
    session_idle_seconds: int = 30 * 60
    session_longest_seconds: int = 8 * 3600
