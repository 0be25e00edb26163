from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import SpiffeId
from services.features.errors import HeldOut, OrderRefused
from services.features.orders import EVALUATOR_KEY, TRAINING_KEY, Order

NOW = 1_000_000.0
RUN = SpiffeId.parse("spiffe://assay.demo/run/run-1")
EVALUATOR = SpiffeId.parse("spiffe://assay.demo/svc/core/evaluator")
TRAINING, EVALUATION, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))


def public(key: ec.EllipticCurvePrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


KEYS = {TRAINING_KEY: public(TRAINING), EVALUATOR_KEY: public(EVALUATION)}


def order(key: ec.EllipticCurvePrivateKey = TRAINING, **claims: object) -> str:
    said = {
        "run": "run-1",
        "identity": str(RUN),
        "feature_set": "f" * 64,
        "splits": ["train"],
        "exp": NOW + 60,
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in said.items() if value is not None}, key, algorithm="ES256"
    )


def test_a_run_reads_the_split_its_order_names() -> None:
    found = Order.verified(order(), RUN, KEYS, NOW)
    found.admit("train", RUN)
    assert found.feature_set == "f" * 64


@pytest.mark.parametrize("splits", [["train"], ["train", "test"], ["test"]])
def test_a_run_never_reads_held_out_rows_whatever_its_order_says(splits: list[str]) -> None:
    found = Order.verified(order(splits=splits), RUN, KEYS, NOW)
    with pytest.raises(HeldOut):
        found.admit("test", RUN)


def test_the_evaluator_reads_held_out_rows_by_its_own_order_and_only_those() -> None:
    found = Order.verified(order(EVALUATION, identity=str(EVALUATOR), splits=["test"]), EVALUATOR, KEYS, NOW)
    found.admit("test", EVALUATOR)
    with pytest.raises(HeldOut):
        found.admit("train", EVALUATOR)


@pytest.mark.parametrize(
    "token",
    [
        order(OTHER),
        order(EVALUATION),
        order(identity="spiffe://assay.demo/run/run-2"),
        order(run="run-2"),
        order(exp=NOW),
        order(exp=None),
        order(splits="train"),
        order(feature_set=None),
        jwt.encode({"run": "run-1"}, "s" * 32, algorithm="HS256"),
        jwt.encode({"run": "run-1", "exp": NOW + 60}, "", algorithm="none"),
        "not.a.token",
        "",
    ],
)
def test_an_order_that_is_not_clearly_for_this_run_is_refused(token: str) -> None:
    with pytest.raises(OrderRefused):
        Order.verified(token, RUN, KEYS, NOW)


def test_an_order_signed_by_training_is_none_for_the_evaluator() -> None:
    with pytest.raises(OrderRefused):
        Order.verified(order(identity=str(EVALUATOR), splits=["test"]), EVALUATOR, KEYS, NOW)


def test_others_have_no_orders() -> None:
    with pytest.raises(OrderRefused, match="neither a run nor the evaluator"):
        Order.verified(order(), SpiffeId.parse("spiffe://assay.demo/svc/core/serving"), KEYS, NOW)


def test_a_root_that_names_no_key_refuses_every_order() -> None:
    with pytest.raises(OrderRefused, match="names no key"):
        Order.verified(order(), RUN, {}, NOW)
