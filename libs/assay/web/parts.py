"""The parts every service stands on, joined once from its settings.

`Core` is what even the ledger has; `Parts` adds a caught-up follower of the ledger, and policy. What is
joined is closed in reverse order, also when joining fails half-way.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol, Self

import httpx
from opentelemetry.trace import Tracer

from assay import telemetry
from assay.contracts import SpiffeId
from assay.database import Engine, engine
from assay.errors import SignatureInvalid, Unavailable
from assay.identity.trust import TrustBundle
from assay.identity.workload import WorkloadIdentity
from assay.journal import Journaling
from assay.ledger import CheckpointMemory, FactSigner, Follower, Ledger, Root
from assay.ledger.in_force import counting, root_in_force
from assay.ledger.signer import key_names_of
from assay.lent_users import LentUsers
from assay.policy import OpaHttp, Policy
from assay.policy.bundled import OpaBundle
from assay.policy.force import InForce, Policies
from assay.policy.log import DecisionLog
from assay.policy.shelf import Shelf, policy_author
from assay.vault import Vault
from assay.vault.client import VaultClient
from assay.web.caller import IdentityRevoked
from assay.web.client import call
from assay.web.journaled import NotingLedgerClient
from assay.web.journals import joined as journal_of
from assay.web.settings import ServiceSettings

_PATIENCE_SECONDS: Final = 60.0  # for a ledger that is still starting
_PAUSE_SECONDS: Final = 0.2
_REVOKED_SECONDS: Final = 2.0  # between looks at whether this identity's revocation has ended
_LOG: Final = logging.getLogger(__name__)


class Followed(Policies, Protocol):
    """What is known of policy facts, and of the root."""

    @property
    def root(self) -> Root:
        """The root in force."""


@dataclass(frozen=True)
class Core:
    """Settings, Vault login, certificate, verified root and tracer; `resources` are closed by `close`."""

    settings: ServiceSettings
    identity: WorkloadIdentity
    vault: Vault
    root: Root
    tracer: Tracer
    resources: ExitStack

    @classmethod
    def core(cls, settings: ServiceSettings) -> Core:
        """Log in at Vault with the single-use secret, obtain the certificate, verify the root.

        Raises:
            ServiceError: whatever of these is refused; nothing stays open then.
        """
        with ExitStack() as undo:
            tracer = telemetry.tracer(settings.service, settings.telemetry_dir)
            undo.callback(telemetry.close, tracer)
            root = _root(settings)
            vault = VaultClient.login(
                url=settings.vault_url,
                ca_path=settings.vault_ca,
                role_id=settings.vault_role_id,
                wrapped_secret_id=settings.vault_wrapped_secret_id,
            )
            undo.callback(vault.close)
            identity = certified(settings, vault)
            undo.callback(identity.close)
            return Core(settings, identity, vault, root, tracer, undo.pop_all())

    def client(self, service: str, grant: str | None = None, *, timeout: float = 30) -> httpx.Client:
        """Return a client of a fixed service that demands that service's identity; the caller closes it.

        `timeout` is in seconds; `grant` is a person's, sent as `Assay-Grant`.
        """
        url = self.settings.url_of(service)
        return self.identity.client(url, expect=service, timeout=timeout, grant=grant)

    def database(self) -> Engine:
        """Return an engine for this service's projections, closed with the parts.

        Where the settings name a role, its user is lent by Vault, renewed and replaced before it ends.
        """
        url, role = self.settings.database_url, self.settings.database_role
        if not role or not url.startswith("postgresql"):
            made = engine(url)
            self.resources.callback(made.dispose)
            return made
        lent = LentUsers(self.vault, role, url)
        self.resources.callback(lent.close)
        return lent.engine

    def policy_in_process(self, known: Followed, undo: ExitStack) -> OpaBundle:
        """Return the rules that are in force, verified, evaluated here and followed; identity has what is not here."""
        author = policy_author(root_in_force(lambda: known.root))
        shelf = Shelf(self.settings.policy_bundles, author, fetch=self._policy_bundle)
        force = InForce(known, lease_seconds=self.settings.lease_seconds)
        policy = OpaBundle(shelf, force)
        policy.log = decision_log(self.settings, undo)
        undo.callback(policy.close)
        policy.start()
        return policy

    def _policy_bundle(self, digest: str) -> bytes:
        try:
            with self.client("identity", timeout=5) as http:
                return call(http.get(f"/v1/policy/bundles/{digest}")).content
        except httpx.TransportError as error:
            raise Unavailable(f"identity does not give the policy bundle: {error}") from error

    def close(self) -> None:
        """End threads and connections, revoke the Vault token, remove the key's files."""
        self.resources.close()


@dataclass(frozen=True)
class Parts(Core):
    """Core, the ledger, a follower that has caught up and keeps following, policy, and the service's journal."""

    ledger: Ledger
    follower: Follower
    policy: Policy
    journaling: Journaling

    @classmethod
    def join(cls, settings: ServiceSettings) -> Self:
        """Join everything; waits up to a minute for a ledger that is still starting.

        Raises:
            ServiceError: whatever of these is refused; nothing stays open then.
        """
        core = cls.core(settings)
        with ExitStack() as undo:
            undo.callback(core.close)
            http = undo.enter_context(core.client("ledger"))
            memory = CheckpointMemory(settings.data_dir / "checkpoint.json")
            signer = FactSigner(core.vault, key_names_of(settings.service))
            ledger = NotingLedgerClient(http, core.root, memory, signer)
            follower = Follower(ledger, core.root, lease_seconds=settings.lease_seconds)
            undo.callback(follower.close)
            _start(follower)
            core.vault.sign_as_listed(counting(lambda: follower.root))
            force = InForce(follower, lease_seconds=settings.lease_seconds)
            follower.subscribe(force)
            policy = OpaHttp(settings.opa_url, core.identity, force=force)
            policy.log = decision_log(settings, undo)
            undo.callback(policy.close)
            core.vault.on_loss(leave)
            journaling = journal_of(settings, ledger, core.identity.spiffe_id, follower.policy_revision, undo)
            follower.subscribe(journaling.known)
            return cls(
                settings=settings,
                identity=core.identity,
                vault=core.vault,
                root=root_in_force(lambda: follower.root),
                tracer=core.tracer,
                resources=undo.pop_all(),
                ledger=ledger,
                follower=follower,
                policy=policy,
                journaling=journaling,
            )


def leave() -> None:
    """End this process: its login at Vault works once, so whoever started it must start it anew."""
    _LOG.error("the login at Vault has ended: leaving, to be started again with a new one")
    os.kill(os.getpid(), signal.SIGTERM)


def leave_without_certificate() -> None:
    """End this process: who renews its certificate asks for the one that has ended, so only a new start helps."""
    _LOG.error("the certificate has ended and was not renewed: leaving, to be started again with a new one")
    os.kill(os.getpid(), signal.SIGTERM)


def _root(settings: ServiceSettings) -> Root:
    root = Root.load(settings.root_path)
    if root.trust_domain != settings.trust_domain:
        raise SignatureInvalid(f"the root is of {root.trust_domain}, the settings of {settings.trust_domain}")
    return root


def certified(settings: ServiceSettings, vault: Vault) -> WorkloadIdentity:
    """Return this service's certificate from Vault's PKI role of its name, kept renewed."""
    spiffe = SpiffeId.parse(f"spiffe://{settings.trust_domain}/svc/core/{settings.service}")

    def issue(csr_pem: str) -> str:
        return vault.sign_csr(
            settings.service, csr_pem, uri=str(spiffe), ttl_seconds=settings.certificate_ttl_seconds
        )

    trust = TrustBundle(settings.ca_path)
    return WorkloadIdentity.obtain(issue, spiffe=spiffe, ca_pem=trust, run_dir=settings.run_dir)


def _start(follower: Follower) -> None:
    """Start following, patient with a ledger that does not answer yet, and with a revocation of this identity."""
    patient_until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            follower.start()
        except IdentityRevoked as refusal:
            _LOG.error("%s: waiting for that to end", refusal.detail)
            time.sleep(_REVOKED_SECONDS)
        except (Unavailable, httpx.TransportError):
            if time.monotonic() > patient_until:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def decision_log(settings: ServiceSettings, undo: ExitStack) -> DecisionLog | None:
    """Return where this process notes its decisions, beside its spans; None where it keeps neither."""
    if settings.telemetry_dir is None:
        return None
    log = DecisionLog(settings.telemetry_dir / f"{settings.service}.decisions.log")
    undo.callback(log.close)
    return log
