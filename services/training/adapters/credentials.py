"""What a run may show, from Vault: its certificate by the PKI role `run`, and its signed order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from assay.contracts import SpiffeId
from assay.identity.certificates import Certified, new_key, request_for
from assay.vault import Vault
from services.training.inputs import TRAIN
from services.training.orders import order
from services.training.ports import Credentials

ROLE: Final = "run"
ORDER_KEY: Final = "order-training"
GRACE_SECONDS: Final = 120  # a run that meets its time limit is ended by training, not by its certificate


@dataclass(frozen=True)
class RunCredentials:
    """Certifies runs; `seconds` is how long a run may take, `now` seconds since 1970."""

    vault: Vault
    trust_domain: str
    seconds: int
    now: Callable[[], float]

    def issue(self, run: str, feature_set: str) -> Credentials:
        """Return a fresh key and certificate for `/run/<id>`, and the order to read this feature set's train rows."""
        identity = SpiffeId.parse(f"spiffe://{self.trust_domain}/run/{run}")
        lifetime = self.seconds + GRACE_SECONDS
        key = new_key()
        chain = self.vault.sign_csr(
            ROLE, request_for(key), uri=str(identity), ttl_seconds=lifetime, loopback=False
        )
        Certified.read(key, chain)
        signed = order(
            self.vault,
            ORDER_KEY,
            run=run,
            identity=identity,
            feature_set=feature_set,
            splits=[TRAIN],
            expires=int(self.now()) + lifetime,
        )
        return Credentials(key, chain, signed)
