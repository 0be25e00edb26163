"""Packages from training and held-out rows from features, over mTLS, as the evaluator itself."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from assay import encrypted
from assay.contracts import SpiffeId, sha256_hex
from assay.custody import PackageFiles, from_tar
from assay.errors import SignatureInvalid, Unavailable
from assay.vault import Vault
from assay.web.client import call
from services.training.evaluator.ports import HeldOutRows
from services.training.inputs import TEST
from services.training.orders import order

ORDER_KEY: Final = "order-evaluator"
ORDER_SECONDS: Final = 300


@dataclass(frozen=True)
class TrainingPackages:
    """A `Packages`; `http` is a client of training."""

    http: httpx.Client

    def package(self, run: str, checkpoint: str) -> PackageFiles:
        """See `ports.Packages.package`."""
        return from_tar(_asked(lambda: self.http.get(f"/v1/runs/{run}/packages/{checkpoint}")).content)


@dataclass(frozen=True)
class FeaturesHeldOut:
    """A `HeldOut`: the evaluator signs its own orders. `http` is a client of features, `now` in seconds."""

    http: httpx.Client
    vault: Vault
    identity: SpiffeId
    now: Callable[[], float]

    def rows(self, run: str, feature_set: str) -> HeldOutRows:
        """See `ports.HeldOut.rows`."""
        signed = order(
            self.vault,
            ORDER_KEY,
            run=run,
            identity=self.identity,
            feature_set=feature_set,
            splits=[TEST],
            expires=int(self.now()) + ORDER_SECONDS,
        )
        wanted = {"order": signed, "split": TEST}
        released = _asked(lambda: self.http.post("/v1/keys", json=wanted)).json()
        digest = str(released["digest"])
        ciphertext = _asked(lambda: self.http.get(f"/v1/objects/{digest}")).content
        if sha256_hex(ciphertext) != digest:
            raise SignatureInvalid("the ciphertext of the held-out rows has another SHA-256")
        return HeldOutRows(encrypted.read(ciphertext, base64.b64decode(released["key"])), digest)


def _asked(ask: Callable[[], httpx.Response]) -> httpx.Response:
    try:
        return call(ask())
    except httpx.TransportError as error:
        raise Unavailable(f"another part of the platform does not answer: {type(error).__name__}") from error
