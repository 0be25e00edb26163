"""Joining serving's parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from fastapi import FastAPI

from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.settings import ServiceSettings
from services.serving import api
from services.serving.adapters.addresses import HOST, Addresses
from services.serving.adapters.bootstrap import Bootstrap
from services.serving.adapters.custody import CustodyJudge
from services.serving.adapters.local_process import LocalProcesses
from services.serving.adapters.predictors import PredictorStates
from services.serving.domain import Place
from services.serving.settings import ServingSettings
from services.serving.usecases import Endpoints


@dataclass(frozen=True)
class ServingParts(Parts):
    """The usual parts and serving's use cases; closing ends the predictors first."""

    endpoints: Endpoints

    @classmethod
    def join(cls, settings: ServiceSettings) -> Self:
        """Join the parts; predictors are started later, by `Endpoints.restore`."""
        if not isinstance(settings, ServingSettings):
            raise TypeError("serving is joined from ServingSettings")
        parts = Parts.join(settings)
        return cls(**vars(parts), endpoints=endpoints_of(parts, settings))


def build(parts: ServingParts) -> FastAPI:
    """Return serving's application."""
    return build_app(parts, api.routes(parts.endpoints), title="serving")


def endpoints_of(parts: Parts, settings: ServingSettings) -> Endpoints:
    """Return serving's use cases; closing the parts ends the predictors first."""
    bootstrap = Bootstrap(
        parts.vault,
        settings.trust_domain,
        settings.predictor_certificate_ttl_seconds,
        lambda place, port: predictor_settings(settings, place, port),
    )
    control = LocalProcesses(bootstrap.line, Addresses(settings.data_dir / "addresses"))
    states = PredictorStates(
        lambda url, place: parts.identity.client(
            url, expect=place.identity(settings.trust_domain).path, timeout=5
        ),
        control.url,
        settle_seconds=settings.settle_seconds,
    )
    registry = parts.client("registry")
    parts.resources.callback(registry.close)
    parts.resources.callback(states.close)
    parts.resources.callback(control.close)
    return Endpoints(
        facts=parts.follower,
        ledger=parts.ledger,
        policy=parts.policy,
        judge=CustodyJudge(registry, parts.follower, parts.root, parts.policy),
        control=control,
        predictors=states,
        sign=bootstrap.sign,
        now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def predictor_settings(settings: ServingSettings, place: Place, port: int) -> dict[str, Any]:
    """Return a predictor's settings as JSON: serving's addresses, and folders and a port of its own."""
    own = f"predictors/{place.environment.value}/{place.name}"
    data = settings.data_dir / own
    return settings.model_dump(mode="json") | {
        "service": f"predictor-{place.environment.value}-{place.name}",
        "environment": place.environment.value,
        "endpoint": place.name,
        "host": HOST,
        "port": port,
        "data_dir": str(data),
        "run_dir": str(settings.run_dir / own),
        "database_url": f"sqlite:///{data}/journal.db",
        "certificate_ttl_seconds": settings.predictor_certificate_ttl_seconds,
    }
