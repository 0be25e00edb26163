"""Identity's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    """What every service is told, and identity's own: two more listeners' addresses, and how long things last.

    `people_origin` is the exact origin of the people listener, `registry_pages_origin` and `tracking_pages_origin`
    those of the registry's and of tracking's.
    """

    login_port: int
    people_port: int
    people_origin: str
    registry_pages_origin: str
    tracking_pages_origin: str
    person_certificate_seconds: int = 3600
    longest_grant_seconds: int = 12 * 3600
    session_idle_seconds: int = 30 * 60
    session_longest_seconds: int = 8 * 3600
