"""Tracking's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class TrackingSettings(ServiceSettings):
    """What every service is told, and tracking's own: where MLflow's pages are shown.

    `tracking_pages_origin` is the exact origin of the people listener, `people_origin` identity's, where people
    sign in.
    """

    pages_port: int
    tracking_pages_origin: str
    people_origin: str
    session_idle_seconds: int = 30 * 60
    session_longest_seconds: int = 8 * 3600
