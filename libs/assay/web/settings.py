"""What every service is told by its environment (`ASSAY_…`); nothing secret has a default."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from assay.errors import NotFound


class ServiceSettings(BaseSettings):
    """Settings of one service process; a service subclasses it for its own. Durations are in seconds."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", frozen=True, extra="ignore")

    service: str
    trust_domain: str
    host: str = "127.0.0.1"
    port: int
    data_dir: Path
    run_dir: Path
    database_url: str
    database_role: str = (
        ""  # Vault lends the users of a PostgreSQL under it; without one the URL names its user
    )
    objects_url: str
    root_path: Path
    ca_path: Path
    vault_url: str
    vault_ca: Path
    vault_role_id: str
    vault_wrapped_secret_id: str = Field(repr=False)  # works once
    ledger_url: str
    identity_url: str
    opa_url: str
    ingestion_url: str
    features_url: str
    tracking_url: str
    training_url: str
    evaluator_url: str
    registry_url: str
    serving_url: str
    policy_bundles: Path
    lease_seconds: float = 60
    certificate_ttl_seconds: int = 3600
    telemetry_dir: Path | None = None
    demonstration: bool = False

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings; raises pydantic's ValidationError naming each one that is missing."""
        return cls()

    def url_of(self, service: str) -> str:
        """Return a fixed service's base URL; raises NotFound for a name that has none."""
        urls = {
            "ledger": self.ledger_url,
            "identity": self.identity_url,
            "opa": self.opa_url,
            "ingestion": self.ingestion_url,
            "features": self.features_url,
            "tracking": self.tracking_url,
            "training": self.training_url,
            "evaluator": self.evaluator_url,
            "registry": self.registry_url,
            "serving": self.serving_url,
        }
        if service not in urls:
            raise NotFound(f"no service is called {service!r}")
        return urls[service]
