"""What the ledger is told by its environment: what every service is."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class LedgerSettings(ServiceSettings):
    """Settings of the ledger process."""
