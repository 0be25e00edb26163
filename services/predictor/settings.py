"""What a predictor is told by serving, as one JSON line on standard input; its environment says nothing."""

from __future__ import annotations

from typing import Any, Self, TextIO

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from assay.contracts import Environment, strict_json
from assay.errors import BadRequest
from assay.web.settings import ServiceSettings


class PredictorSettings(ServiceSettings):
    """A predictor's settings. `journal_capacity` is in records, `most_bytes` in bytes of one request."""

    environment: Environment
    endpoint: str
    most_rows: int = 4096
    most_bytes: int = 8 << 20
    journal_capacity: int = 100_000
    engine_threads: int = 1

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what serving gave and nothing else."""
        _ = settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class Bootstrap(BaseModel):
    """The line: a private key and its certificate (PEM), and the settings with one Vault login."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(repr=False)
    certificate: str
    settings: dict[str, Any] = Field(repr=False)

    @classmethod
    def read(cls, stdin: TextIO) -> Self:
        """Read the line; raises BadRequest when there is none."""
        line = stdin.readline()
        if not line:
            raise BadRequest("nothing on standard input", fix="predictors are started by serving")
        return cls.model_validate(strict_json(line))
