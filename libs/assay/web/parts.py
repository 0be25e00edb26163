"""The parts every service stands on, joined once from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import httpx
from opentelemetry.trace import Tracer

from assay.identity.workload import WorkloadIdentity
from assay.web.settings import ServiceSettings


@dataclass(frozen=True)
class Core:
    """What even the ledger has: settings, Vault, root, its identity and a tracer (`Core.join(settings)`)."""

    settings: ServiceSettings
    identity: WorkloadIdentity
    vault: Any
    root: Any
    tracer: Tracer

    def client(self, service: str, grant: str | None = None, *, timeout: float = 30) -> httpx.Client:
        """Return a client of a fixed service that demands that service's identity; the caller closes it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parts(Core):
    """Everything: Core and a caught-up follower, the ledger and policy."""

    ledger: Any
    follower: Any
    policy: Any

    @classmethod
    def join(cls, settings: ServiceSettings) -> Self:
        """Log in, obtain the certificate, verify the root, follow the ledger."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop threads, revoke the Vault token, remove keys."""
        raise NotImplementedError
