"""Identity's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    """What every service is told, and identity's own: the login listener's port, and how long things last."""

    login_port: int
    person_certificate_seconds: int = 3600
    longest_grant_seconds: int = 12 * 3600
