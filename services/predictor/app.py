"""Joining a predictor's parts."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import httpx
from fastapi import FastAPI

from assay import telemetry
from assay.errors import Unavailable
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay.journal import Journal, Journaling, Lander, Owner, Refusals
from assay.ledger import CheckpointMemory, FactSigner, Follower, LedgerClient, Root
from assay.ledger.in_force import counting, root_in_force
from assay.policy import Policy
from assay.vault.client import VaultClient
from assay.web.app import TracedEdge, build_app
from assay.web.client import call
from assay.web.parts import Core, Parts, leave, leave_without_certificate
from services.predictor import api, inline
from services.predictor.adapters.custody import RegistryCustody
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.endpoint import Endpoint
from services.predictor.hot import Predictions
from services.predictor.receipts import now
from services.predictor.rollouts import Rollouts
from services.predictor.settings import Bootstrap, PredictorSettings


@dataclass(frozen=True)
class Own:
    """A predictor's own parts; `most_bytes` bounds one request."""

    endpoint: Endpoint
    predictions: Predictions
    journal: Journal
    rollouts: Rollouts
    most_bytes: int


@dataclass(frozen=True)
class PredictorParts(Parts):
    """The usual parts, with policy in process, and the predictor's own. Closing lands what waits first."""

    own: Own

    def load(self) -> None:
        """After listening: land what a restart left behind, import KServe's types, follow the rollouts.

        In this order: a rollout counts as settled only when requests can be read.
        """
        self.journaling.lander.start()
        from services.predictor.adapters.kserve import OpenInference

        self.own.predictions.wire = OpenInference()
        self.own.rollouts.start()


def join(bootstrap: Bootstrap) -> PredictorParts:
    """Log in, follow the ledger, open the journal; nothing answers yet."""
    settings = PredictorSettings(**bootstrap.settings)
    with ExitStack() as undo:
        core = _core(bootstrap, settings, undo)
        http = undo.enter_context(core.client("ledger"))
        memory = CheckpointMemory(settings.data_dir / "checkpoint.json")
        ledger = LedgerClient(http, core.root, memory, FactSigner(core.vault))
        follower = Follower(ledger, core.root, lease_seconds=settings.lease_seconds)
        undo.callback(follower.close)
        follower.start()
        core.vault.sign_as_listed(counting(lambda: follower.root))
        policy = core.policy_in_process(follower, undo)
        journaling = _journaling(core, settings, ledger, follower, undo)
        own = _own(core, settings, journaling.journal, follower, policy, undo)
        core.vault.on_loss(leave)
        core.identity.on_end(leave_without_certificate)
        return PredictorParts(
            **vars(core) | {"root": root_in_force(lambda: follower.root), "resources": undo.pop_all()},
            ledger=ledger,
            follower=follower,
            policy=policy,
            journaling=journaling,
            own=own,
        )


def _core(bootstrap: Bootstrap, settings: PredictorSettings, undo: ExitStack) -> Core:
    log = telemetry.tracer(settings.service, settings.telemetry_dir)
    undo.callback(telemetry.close, log)
    root = Root.load(settings.root_path)
    vault = VaultClient.login(
        url=settings.vault_url,
        ca_path=settings.vault_ca,
        role_id=settings.vault_role_id,
        wrapped_secret_id=settings.vault_wrapped_secret_id,
    )
    undo.callback(vault.close)
    identity = _identity(bootstrap, settings)
    undo.callback(identity.close)
    return Core(settings, identity, vault, root, log, undo)


def _journaling(
    core: Core, settings: PredictorSettings, ledger: LedgerClient, follower: Follower, undo: ExitStack
) -> Journaling:
    journal = Journal(
        settings.data_dir / "journal.db",
        lease_seconds=settings.lease_seconds,
        capacity=settings.journal_capacity,
    )
    undo.callback(journal.close)
    refusals = Refusals(journal, now)
    owner = Owner(core.identity.spiffe_id, settings.environment)
    lander = Lander(journal, ledger, owner, before=refusals.flush)
    undo.callback(lander.close)
    journaling = Journaling(journal, refusals, lander, follower.policy_revision, now)
    follower.subscribe(journaling.known)
    return journaling


def _own(
    core: Core,
    settings: PredictorSettings,
    journal: Journal,
    follower: Follower,
    policy: Policy,
    undo: ExitStack,
) -> Own:
    endpoint = Endpoint(settings.environment.value, settings.endpoint, lease_seconds=settings.lease_seconds)
    root = root_in_force(lambda: follower.root)
    registry = undo.enter_context(core.client("registry"))
    custody = RegistryCustody(registry, follower, root, policy, now_ns=partial(never_before, follower))
    load = partial(OnnxModel, threads=settings.engine_threads)
    rollouts = Rollouts(follower, custody, load, endpoint)
    follower.subscribe(rollouts)
    undo.callback(rollouts.close)
    predictions = Predictions(endpoint, journal, follower, most_rows=settings.most_rows)
    return Own(endpoint, predictions, journal, rollouts, settings.most_bytes)


def never_before(follower: Follower) -> int:
    """Return the time in nanoseconds, never before the ledger's newest checkpoint: a clock set back wins nothing."""
    return max(time.time_ns(), follower.checkpoint().time_ms * 1_000_000)


def build(parts: PredictorParts) -> FastAPI:
    """Return the predictor's application."""
    own = parts.own
    return application(parts, own.endpoint, own.predictions, own.journal, most_bytes=own.most_bytes)


def application(
    edge: TracedEdge,
    endpoint: Endpoint,
    predictions: Predictions,
    journal: Journal,
    *,
    most_bytes: int,
) -> FastAPI:
    """Return the routes of one endpoint behind identity, policy and, where the edge has one, the journal."""
    app = build_app(edge, api.routes(predictions, endpoint, journal), title=f"predictor {endpoint.name}")
    app.router.routes.extend(inline.routes(predictions, most_bytes=most_bytes))
    return app


def _identity(bootstrap: Bootstrap, settings: PredictorSettings) -> WorkloadIdentity:
    """Adopt the certificate serving gave; later ones are asked of serving with the one before."""
    held: list[httpx.Client] = []

    def renew(csr: str) -> str:
        if not held:
            raise Unavailable("the certificate was due for renewal before its client was made")
        try:
            answer = call(held[0].post("/v1/predictors/certificate", json={"csr": csr}))
        except httpx.TransportError as error:
            raise Unavailable(f"serving cannot be asked for a certificate: {error!r}") from error
        return str(answer.json()["certificate"])

    identity = WorkloadIdentity.adopt(
        bootstrap.key,
        bootstrap.certificate,
        ca_pem=TrustBundle(settings.ca_path),
        run_dir=settings.run_dir,
        issue=renew,
    )
    held.append(identity.client(settings.serving_url, expect="serving"))
    return identity
