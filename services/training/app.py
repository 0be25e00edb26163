"""Joining training's parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import httpx
from fastapi import FastAPI

from assay.objects import Objects
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.settings import ServiceSettings
from services.training import api
from services.training.adapters.clusters import Limits, LocalClusters
from services.training.adapters.credentials import RunCredentials
from services.training.adapters.folders import RunFolders
from services.training.adapters.installed import environment
from services.training.adapters.mlflow_rest import MlflowRuns
from services.training.adapters.runs_table import SqlRuns
from services.training.adapters.spool import SealedSpool
from services.training.finish import Finisher
from services.training.ports import Event, Experiments
from services.training.settings import TrainingSettings
from services.training.shelf import Packages
from services.training.usecases import Training


@dataclass(frozen=True)
class TrainingParts(Parts):
    """The usual parts and training's use cases; closing ends the runs under way first."""

    training: Training
    most_workers: int
    left: Sequence[str]  # runs that were under way when training ended last

    @classmethod
    def join(cls, settings: ServiceSettings) -> Self:
        """Join the parts; what a restart left behind is taken up by `Training.restore`."""
        if not isinstance(settings, TrainingSettings):
            raise TypeError("training is joined from TrainingSettings")
        parts = Parts.join(settings)
        try:
            training = joined(parts, settings)
        except BaseException:
            parts.close()
            raise
        left = training.unfinished()
        return cls(**vars(parts), training=training, most_workers=settings.max_workers, left=left)


def build(parts: TrainingParts) -> FastAPI:
    """Return training's application."""
    routes = (api.people_routes(parts.training, parts.most_workers), api.run_routes(parts.training))
    return build_app(parts, *routes, title="Assay training")


def joined(parts: Parts, settings: TrainingSettings, experiments: Experiments | None = None) -> Training:
    """Return the use cases over these parts; `experiments` is MLflow unless given."""
    runs = SqlRuns(parts.database())
    parts.follower.subscribe(runs)
    objects = Objects(settings.objects_url)
    packages = Packages(objects)
    credentials = RunCredentials(parts.vault, settings.trust_domain, settings.run_seconds, time.time)

    def hear(run: str, event: Event) -> None:
        training.hear(run, event)

    clusters = LocalClusters(
        folders=RunFolders.at(settings.run_dir),
        urls={"features": settings.features_url, "training": settings.training_url},
        roots=lambda: parts.identity.ca_pem,
        limits=Limits(settings.run_seconds, settings.max_failures, settings.gpu),
        tell=hear,
    )
    parts.resources.callback(clusters.close)
    training = Training(
        facts=parts.follower,
        runs=runs,
        clusters=clusters,
        experiments=experiments or MlflowRuns(lambda grant: _tracking(parts, grant), now_ms),
        checkpoints=SealedSpool(settings.run_dir / "checkpoints"),
        objects=objects,
        packages=packages,
        finisher=Finisher(
            facts=parts.follower,
            ledger=parts.ledger,
            objects=objects,
            packages=packages,
            builder=str(parts.identity.spiffe_id),
            environment=environment,
            pause=time.sleep,
        ),
        credentials=credentials.issue,
        now=now,
        now_ms=now_ms,
        max_running=settings.max_running,
    )
    return training


def _tracking(parts: Parts, grant: str) -> httpx.Client:
    return parts.client("tracking", grant, timeout=20)


def now() -> str:
    """Return the time, RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000
