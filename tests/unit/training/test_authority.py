from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assay.contracts import SpiffeId
from services.features.errors import HeldOut, OrderRefused
from services.features.orders import Order
from services.training.authority import cluster_tls
from services.training.orders import order

RUN = SpiffeId.parse("spiffe://assay.demo/run/run-1")


class Key:
    """One P-256 key, signing as Vault's transit engine does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self.pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, _key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign; raw r||s for a JWS."""
        assert jws
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.fixture
def key() -> Key:
    return Key()


def signed(key: Key, *, splits: tuple[str, ...] = ("train",), expires: float = 60) -> str:
    return order(
        key,
        "order-training",
        run="run-1",
        identity=RUN,
        feature_set="f" * 64,
        splits=splits,
        expires=int(time.time() + expires),
    )


def test_features_honours_the_order_training_signs_for_that_run_and_split(key: Key) -> None:
    verified = Order.verified(signed(key), RUN, {"order-training": key.pem}, time.time())
    verified.admit("train", RUN)
    assert verified.feature_set == "f" * 64
    with pytest.raises(HeldOut):
        verified.admit("test", RUN)


def test_an_order_counts_for_nobody_else_and_not_for_ever(key: Key) -> None:
    other = SpiffeId.parse("spiffe://assay.demo/run/run-2")
    with pytest.raises(OrderRefused):
        Order.verified(signed(key), other, {"order-training": key.pem}, time.time())
    with pytest.raises(OrderRefused):
        Order.verified(signed(key, expires=-1), RUN, {"order-training": key.pem}, time.time())
    with pytest.raises(OrderRefused):
        Order.verified(signed(key), RUN, {"order-training": Key().pem}, time.time())


def test_a_clusters_certificate_names_its_node_and_verifies_against_its_own_authority_alone() -> None:
    tls, other = (cluster_tls("run-1", "127.0.0.1", datetime.now(UTC), timedelta(hours=1)) for _ in range(2))
    leaf, authority, stranger = (
        x509.load_pem_x509_certificate(pem.encode())
        for pem in (tls.certificate_pem, tls.ca_pem, other.ca_pem)
    )
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    leaf.verify_directly_issued_by(authority)
    with pytest.raises(InvalidSignature):
        leaf.verify_directly_issued_by(stranger)
    assert tls.key_pem not in repr(tls)
