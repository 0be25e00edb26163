"""Ingestion's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class IngestionSettings(ServiceSettings):
    """What every service is told, and whose data this one keeps."""
