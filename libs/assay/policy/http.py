"""Policy asked of an OPA server over mTLS, with opa-python-client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from assay.contracts import SpiffeId
from assay.errors import NotBuilt
from assay.policy.decisions import Answer, PolicyEngine


class Certified(Protocol):
    """The workload's own certificate: `assay.identity.WorkloadIdentity`."""

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whom the certificate names."""

    @property
    def combined_path(self) -> Path:
        """Certificate and key in one PEM file, replaced by rename when the certificate is renewed."""

    @property
    def ca_pem(self) -> str:
        """The one certificate authority that is trusted."""


class OpaHttp(PolicyEngine):
    """The rules in an OPA server; only a peer that proves to be `/svc/core/opa` is believed."""

    def __init__(
        self,
        url: str,
        identity: Certified,
        *,
        expected: Callable[[], str] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(expected=expected, clock=clock)
        self._url = url
        self._identity = identity

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        raise NotBuilt(f"{path} over {self._url}")
