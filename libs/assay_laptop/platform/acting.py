"""Acting as a service: what the launcher of a laptop can do, and so an attacker who holds `unlock`.

Only the demonstration and the attack tests use it, to try what a rightful key must still not achieve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.contracts import SpiffeId
from assay.identity.workload import WorkloadIdentity
from assay.ledger import CheckpointMemory, FactSigner, LedgerClient, Root
from assay.vault.client import VaultClient
from assay_laptop.home import Home
from assay_laptop.platform.addresses import url

MINUTES_15 = 900


@dataclass(frozen=True)
class Actor:
    """A service's identity, Vault login and ledger, held by somebody who should not hold them."""

    identity: WorkloadIdentity
    vault: VaultClient
    ledger: LedgerClient


@contextmanager
def acting_as(
    service: str,
    home: Home,
    *,
    log_in: Callable[[str], VaultClient],
    ports: dict[str, int],
    trust_domain: str,
) -> Iterator[Actor]:
    """Hold a core service's identity for a while; `log_in(role)` is the launcher's way to a Vault login."""
    spiffe = SpiffeId(trust_domain, f"/svc/core/{service}")
    with TemporaryDirectory(dir=home.run) as folder:
        vault = log_in(service)

        def issue(csr: str) -> str:
            return vault.sign_csr(service, csr, uri=str(spiffe), ttl_seconds=MINUTES_15)

        identity = WorkloadIdentity.obtain(
            issue, spiffe=spiffe, ca_pem=home.ca.read_text(), run_dir=Path(folder), renew=False
        )
        http = identity.client(url(ports, "ledger"), expect="ledger")
        try:
            yield Actor(
                identity,
                vault,
                LedgerClient(http, Root.load(home.root), CheckpointMemory(), FactSigner(vault)),
            )
        finally:
            http.close()
            identity.close()
            vault.close()
