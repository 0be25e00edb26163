"""Orders: what the service that started a run, or the evaluator, signed that somebody may read.

A compact JWS, ES256, by a key the trust root names. It counts for one certificate, one feature set, some
splits, until it expires. Whatever it says, a run is never given held-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from assay.contracts import SpiffeId
from services.features.errors import HeldOut, OrderRefused
from services.features.split import TEST, TRAIN

EVALUATOR: Final = "evaluator"
TRAINING_KEY: Final = "order-training"
EVALUATOR_KEY: Final = "order-evaluator"


class Order(BaseModel):
    """The claims of an order. `exp` is in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    run: str
    identity: str
    feature_set: str
    splits: list[str]
    exp: int | float

    @classmethod
    def verified(cls, token: str, caller: SpiffeId, keys: Mapping[str, str], now: float) -> Self:
        """Return the order when the right service signed it for this very caller and it has not expired.

        `keys` are the trust root's service keys (PEM), `now` seconds since the epoch.

        Raises:
            OrderRefused: anything else.
        """
        pem = keys.get(_key_for(caller))
        if pem is None:
            raise OrderRefused("the trust root names no key for this order")
        order = cls._read(token, pem)
        if order.identity != str(caller):
            raise OrderRefused(f"the order is for {order.identity[:200]}, not {caller}")
        if caller.run is not None and order.run != caller.run:
            raise OrderRefused(f"the order is for run {order.run[:63]}, not {caller.run}")
        if order.exp <= now:
            raise OrderRefused("the order has expired")
        return order

    def admit(self, split: str, caller: SpiffeId) -> None:
        """Return when the order names the split and it is not held out from the caller; raises HeldOut."""
        theirs = TRAIN if caller.run is not None else TEST
        if split not in self.splits or split != theirs:
            raise HeldOut(f"the {split[:63]} split is held out from {caller}")

    @classmethod
    def _read(cls, token: str, pem: str) -> Self:
        try:
            claims = jwt.decode(
                token,
                pem,
                algorithms=["ES256"],
                options={"require": ["exp"], "verify_exp": False, "verify_aud": False},
            )
            return cls.model_validate(claims)
        except jwt.PyJWTError as error:
            raise OrderRefused("the order is not signed by the key the trust root names") from error
        except ValidationError as error:
            raise OrderRefused(f"the order's claims are malformed: {error.error_count()} errors") from error


def _key_for(caller: SpiffeId) -> str:
    if caller.run is not None:
        return TRAINING_KEY
    if caller.service == EVALUATOR:
        return EVALUATOR_KEY
    raise OrderRefused(f"{caller} is neither a run nor the evaluator")
