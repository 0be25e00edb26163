"""Joining the registry's parts once, for its two listeners: services and people."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI

from assay.custody import inspect
from assay.objects import Objects
from assay.pages import Sessions, Site, build_pages
from assay.pages.relying import Relying, relying_pages
from assay.pages.signing import sign_out_pages
from assay.web.app import build_app
from assay.web.client import call
from assay.web.mlflow_shape import MlflowShape
from assay.web.parts import Parts
from assay.web.server import Listener
from services.registry.adapters.cyclonedx import CycloneDxBoms
from services.registry.adapters.drafts_table import SqlDrafts
from services.registry.adapters.egress import GuardedEgress, believing
from services.registry.adapters.hooks_table import SqlHooks
from services.registry.adapters.names import IdentityNames
from services.registry.adapters.notes import SqlNotes
from services.registry.adapters.places import ServingPlaces
from services.registry.adapters.tables import SqlShelf
from services.registry.adapters.training import TrainingRuns
from services.registry.api import (
    deciding_routes,
    evidence_routes,
    pack_routes,
    package_routes,
    promoting_routes,
    version_routes,
)
from services.registry.asking import Asking
from services.registry.asking_api import asking_routes, commenting_routes, delegating_routes
from services.registry.believing import Believed
from services.registry.catalogue import Catalogue
from services.registry.deciding import Deciding
from services.registry.delegating import Delegating
from services.registry.desk import Desk
from services.registry.evidence.stating import Stating
from services.registry.hooks.api import webhook_routes
from services.registry.hooks.delivering import Delivering, Happened
from services.registry.hooks.keeping import Webhooks
from services.registry.hooks.mlflow_api import mlflow_webhook_routes
from services.registry.hooks.sending import Sending
from services.registry.mlflow_api import mlflow_routes
from services.registry.mlflow_views import Shown
from services.registry.naming import Naming
from services.registry.packages import Packages
from services.registry.packing import Packing
from services.registry.ports import Names, Places, Runs
from services.registry.registering import Registering
from services.registry.searching import Searching
from services.registry.settings import RegistrySettings
from services.registry.showing.picture import fitting
from services.registry.ui import all_pages, navigation
from services.registry.usecases import Registry

IDENTITY_SECONDS = 5.0  # a page waits no longer for names, nor a sign-in for who it was


class RegistryService:
    """The service: what its listeners share is made here once; the database catches up with the ledger first."""

    def __init__(self, parts: Parts, settings: RegistrySettings, runs: Runs | None = None) -> None:
        self.parts = parts
        self.settings = settings
        database = parts.database()
        shelf = SqlShelf(database, settings.tenant)
        parts.follower.subscribe(shelf)
        objects = Objects(settings.objects_url)
        self.registry = Registry(
            tenant=settings.tenant,
            root=parts.root,
            ledger=parts.ledger,
            log=parts.follower,
            policy=parts.policy,
            packages=Packages(objects, parts.vault, settings.tenant),
            believed=Believed(shelf, parts.follower, settings.tenant),
            now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            now_ns=time.time_ns,
        )
        fetched = runs or TrainingRuns(parts.client("training", timeout=settings.training_timeout_seconds))
        self.registering = Registering(self.registry, fetched, parts.vault, inspect)
        self.stating = Stating(self.registry, CycloneDxBoms())
        self.deciding = Deciding(self.registry, settings.approval_days)
        self.notes = SqlNotes(database)
        self.naming = Naming(self.registry, self.registering, self.stating, self.notes)
        self.shown = Shown(self.registry, self.notes)
        self.delegating = Delegating(self.registry)
        self.catalogue = Catalogue(settings.tenant)
        parts.follower.subscribe(self.catalogue)
        self.searching = Searching(self.registry, self.catalogue, self.notes)
        self.asking = Asking(self.registry, SqlDrafts(database), time.time)
        self.webhooks = self._webhooks(SqlHooks(database))

    def _webhooks(self, hooks: SqlHooks) -> Webhooks:
        """Begin to tell the hooks, until the parts are closed; return what people do with them."""
        parts = self.parts
        private = [one.strip() for one in self.settings.webhook_private.split(",") if one.strip()]
        egress = GuardedEgress(believing(self.settings.webhook_ca), private)
        source = f"spiffe://{parts.settings.trust_domain}/svc/core/registry"
        sending = Sending(parts.vault, egress, source, time.time)
        happened = Happened(self.settings.tenant)
        parts.follower.subscribe(happened)
        delivering = Delivering(hooks, happened, sending, run_of=parts.follower.record, clock=time.time)
        parts.resources.callback(delivering.close)
        delivering.start()
        return Webhooks(
            hooks,
            parts.vault,
            egress,
            sending,
            size=lambda: parts.follower.size,
            now=self.registry.now,
            waits=happened.waits,
        )

    def service(self) -> FastAPI:
        """Return the service's application; callers have certificates."""
        app = build_app(
            self.parts,
            version_routes(self.registry, self.registering, self.stating),
            evidence_routes(self.stating),
            pack_routes(Packing(self.registry)),
            promoting_routes(self.registry),
            package_routes(self.registry),
            deciding_routes(self.deciding),
            asking_routes(self.asking),
            commenting_routes(self.asking),
            delegating_routes(self.delegating, self.deciding),
            webhook_routes(self.webhooks),
            mlflow_webhook_routes(self.webhooks),
            mlflow_routes(self.registry, self.naming, self.shown, self.searching),
            title="Assay registry",
        )
        app.add_middleware(MlflowShape)
        return app

    def people(self) -> Listener:
        """Return the people listener; people sign in at identity."""
        http = self.parts.client("identity", timeout=IDENTITY_SECONDS)
        relying = Relying(
            self.settings.people_origin, lambda body: call(http.post("/v1/codes/redeem", json=body)).json()
        )
        serving = ServingPlaces(self.parts.client("serving", timeout=IDENTITY_SECONDS), self._predictor)
        app = self.pages(IdentityNames(http), relying, serving)
        context = self.parts.identity.server_context(client_certificate=False)
        return Listener("people", app, self.settings.pages_port, context)

    def _predictor(self, url: str, expect: str) -> httpx.Client:
        return self.parts.identity.client(url, expect=expect, timeout=IDENTITY_SECONDS)

    def pages(self, names: Names, relying: Relying, places: Places) -> FastAPI:
        """Return the application of the people listener: pages only, for who signed in with a passkey."""
        desk = Desk(
            self.registry,
            self.deciding,
            self.asking,
            self.stating,
            names,
            self.notes,
            places,
            self.webhooks,
            relying.identity,
        )
        own = all_pages(desk)
        site = Site(
            service="registry",
            title="Registry",
            origin=self.settings.registry_pages_origin,
            templates=Path(__file__).parent / "templates",
            sessions=Sessions(
                idle_seconds=self.settings.session_idle_seconds,
                longest_seconds=self.settings.session_longest_seconds,
            ),
            navigation=navigation(own),
        )
        site.environment.globals["called"] = desk.called
        site.environment.filters["fitting"] = fitting
        return build_pages(self.parts, site, sign_out_pages(), relying_pages(site, relying), *own)


class Joining:
    """Joins the service when its parts are there, and hands out its listeners."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._joined: RegistryService | None = None

    def service(self, parts: Parts) -> FastAPI:
        """Return the service's application."""
        return self._of(parts).service()

    def others(self, parts: Parts) -> list[Listener]:
        """Return the people listener."""
        return [self._of(parts).people()]

    def _of(self, parts: Parts) -> RegistryService:
        if self._joined is None:
            self._joined = RegistryService(parts, self._settings)
        return self._joined
