"""Serving's routes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Environment
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.serving.domain import Place
from services.serving.usecases import Endpoints, Wanted

Calling = Annotated[Caller, Depends(calling)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RolloutRequest(_Request):
    """Which version should answer, by number or alias, and why."""

    model: Name
    number: int | None = Field(default=None, ge=1)
    alias: Name | None = None
    reason: str = Field(min_length=1, max_length=500)


class RollbackRequest(_Request):
    """Why the version before should answer again."""

    reason: str = Field(min_length=1, max_length=500)


class CertificateRequest(_Request):
    """A CSR in PEM; only its key counts."""

    csr: str = Field(max_length=8192)


def routes(endpoints: Endpoints) -> Routes:
    """Return serving's routes over its use cases."""
    found = Routes()
    where = "/v1/endpoints/{environment}/{endpoint}"

    @found.get("/v1/endpoints", permission="serving/read")
    def every() -> dict[str, Any]:
        return {"endpoints": endpoints.views()}

    @found.get(where, permission="serving/read")
    def one(environment: Environment, endpoint: str) -> dict[str, Any]:
        return endpoints.view(Place(environment, endpoint))

    @found.post(where + "/rollouts", permission="serving/rollout")
    def roll_out(
        environment: Environment, endpoint: str, asked: RolloutRequest, caller: Calling
    ) -> dict[str, Any]:
        wanted = Wanted(asked.model, asked.number, asked.alias)
        return endpoints.roll_out(Place(environment, endpoint), wanted, asked.reason, by=caller)

    @found.post(where + "/rollback", permission="serving/rollback")
    def roll_back(
        environment: Environment, endpoint: str, asked: RollbackRequest, caller: Calling
    ) -> dict[str, Any]:
        return endpoints.roll_back(Place(environment, endpoint), asked.reason, by=caller)

    @found.post("/v1/predictors/certificate", permission="serving/predictor-certificate")
    def certificate(asked: CertificateRequest, caller: Calling) -> dict[str, str]:
        return {"certificate": endpoints.certificate(asked.csr, by=caller.identity)}

    return found
