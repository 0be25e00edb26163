"""A person at work: one certificate, every service behind a method that says what it does.

with assay.connect(as_="dana") as session:
    batch = session.data.push("clients", table, batch="2005-09")
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from assay.client.approvals import Approvals
from assay.client.audit import Audit
from assay.client.data import Data
from assay.client.delegations import Delegations
from assay.client.endpoints import Endpoints
from assay.client.evidence import Evidence
from assay.client.models import Models
from assay.client.next_root import NextRoots
from assay.client.people import People
from assay.client.platform import Platform
from assay.client.policy import Policies
from assay.client.requests import Requests
from assay.client.runs import Runs
from assay.client.service import Service
from assay.client.webhooks import Webhooks
from assay.contracts import check_tenant
from assay.errors import Unauthenticated
from assay.identity.person import PersonIdentity
from assay.ledger import CheckpointMemory, Follower, LedgerClient, Root

LEASE_SECONDS = 60
TIMEOUT_SECONDS = 120


class Session:
    """What one logged-in person can do in one tenant; closing it closes the connections."""

    def __init__(self, platform: Platform, identity: PersonIdentity, tenant: str | None = None) -> None:
        self.platform = platform
        self.identity = identity
        self.tenant = check_tenant(tenant or platform.tenant)
        self._services: dict[tuple[str, str], Service] = {}  # (address, expected identity)

    def service(self, name: str) -> Service:
        """Return the caller for one service, whose own identity is checked at every connection."""
        return self.service_at(self.platform.urls[name], expect=name)

    def service_at(self, url: str, *, expect: str) -> Service:
        """Return the caller for whoever is `expect` at an address: one for each, closed with the session."""
        if (url, expect) not in self._services:
            http = self.identity.client(url, expect=expect, timeout=TIMEOUT_SECONDS)
            http.headers["Assay-Tenant"] = self.tenant
            self._services[url, expect] = Service(expect.rpartition("/")[2], http)
        return self._services[url, expect]

    def grant(self, service: str, actions: Iterable[str], *, seconds: int = 1800) -> str:
        """Let `service` do these actions for this person, for this long; returns the grant's token."""
        actor = f"spiffe://{self.platform.trust_domain}/svc/core/{service}"
        wanted = list(actions)
        audience = sorted({action.split("/")[0] for action in wanted})
        body = {"act": actor, "audience": audience, "actions": wanted, "seconds": seconds}
        return str(self.service("identity").post("/v1/grants", body)["grant"])

    @cached_property
    def root(self) -> Root:
        """The pinned trust root."""
        return Root.load(self.platform.root)

    @cached_property
    def ledger(self) -> LedgerClient:
        """The ledger, checked against the last checkpoint this client saw."""
        memory = CheckpointMemory(self.platform.home / "checkpoints" / "client.json")
        return LedgerClient(self.service("ledger").http, self.root, memory)

    @cached_property
    def follower(self) -> Follower:
        """The whole log, verified entry by entry on this machine up to its newest checkpoint."""
        follower = Follower(self.ledger, self.root, lease_seconds=LEASE_SECONDS)
        follower.catch_up()
        return follower

    @cached_property
    def people(self) -> People:
        """People and their roles."""
        return People(self.service("identity"), self.platform.trust_domain, self.tenant)

    @cached_property
    def policy(self) -> Policies:
        """The rules in force, and new ones."""
        return Policies(self)

    @cached_property
    def next_root(self) -> NextRoots:
        """The root that may follow the one in force."""
        return NextRoots(self)

    @cached_property
    def data(self) -> Data:
        """Data sets and feature sets."""
        return Data(self.service("ingestion"), self.service("features"))

    @cached_property
    def runs(self) -> Runs:
        """Training runs and evaluations."""
        return Runs(self)

    @cached_property
    def models(self) -> Models:
        """Model versions, gates and aliases."""
        return Models(self)

    @cached_property
    def approvals(self) -> Approvals:
        """What this person signs."""
        return Approvals(self)

    @cached_property
    def delegations(self) -> Delegations:
        """Who decides for whom."""
        return Delegations(self)

    @cached_property
    def requests(self) -> Requests:
        """What this person asks for, and what waits for them."""
        return Requests(self)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Who outside is told what happens."""
        return Webhooks(self)

    @cached_property
    def evidence(self) -> Evidence:
        """What stands about a version, and what this person writes."""
        return Evidence(self)

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Rollouts, predictions and receipts."""
        return Endpoints(self)

    def mlflow_environment(self) -> dict[str, str]:
        """Return the variables with which an unchanged MLflow client works here, as this person."""
        return {
            "MLFLOW_TRACKING_URI": self.platform.urls["tracking"],
            "MLFLOW_REGISTRY_URI": self.platform.urls["registry"],
            "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(self.identity.combined_path),
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(self.platform.ca),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def close(self) -> None:
        """Close every connection."""
        for service in self._services.values():
            service.http.close()
        self._services.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    home: str | os.PathLike[str] | None = None, *, as_: str | None = None, tenant: str | None = None
) -> Session:
    """Open a session with the certificate `assay login` wrote, for the person named or the last who logged in.

    `tenant` is the one to act in; else ASSAY_TENANT, else the platform's own.

    Raises:
        Unauthenticated: nobody is logged in, or the certificate has ended.
    """
    platform = Platform.load(home)
    identity = PersonIdentity.load(platform.person(as_ or last_person(platform.home)), platform.ca)
    return Session(platform, identity, tenant or os.environ.get("ASSAY_TENANT"))


def last_person(home: Path) -> str:
    """Return the name of the person who logged in last at this home."""
    name = os.environ.get("ASSAY_PERSON")
    if name:
        return name
    try:
        return (home / "people" / "last").read_text().strip()
    except FileNotFoundError as error:
        raise Unauthenticated(f"nobody is logged in at {home}") from error
