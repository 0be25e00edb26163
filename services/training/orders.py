"""Orders: what a run, or the evaluator, may read. Features releases keys to whom an order names, and no one else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from assay.contracts import SpiffeId, canonical
from assay.identity import base64url


class JwsSigner(Protocol):
    """What an order needs of Vault."""

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign with a transit key; `jws` asks for raw r||s."""


def order(
    vault: JwsSigner,
    key: str,
    *,
    run: str,
    identity: SpiffeId,
    feature_set: str,
    splits: Sequence[str],
    expires: int,
) -> str:
    """Return a signed order (compact JWS, ES256) for one certificate; `expires` is in seconds since 1970."""
    claims = {
        "run": run,
        "identity": str(identity),
        "feature_set": feature_set,
        "splits": list(splits),
        "exp": expires,
    }
    header = base64url.encode(canonical({"alg": "ES256", "typ": "assay-order+jwt"}))
    signed = f"{header}.{base64url.encode(canonical(claims))}"
    return f"{signed}.{base64url.encode(vault.sign(key, signed.encode(), jws=True))}"
