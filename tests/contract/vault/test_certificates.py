"""Certificates: one identity a role, whatever the request asks for."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509

from assay.errors import BadRequest, NotFound
from assay.vault.errors import VaultRefused
from tests.contract.vault.world import TRUST_DOMAIN, Running
from tests.support.certificate_requests import names_in, request_for, signed_by_another

LEDGER = f"spiffe://{TRUST_DOMAIN}/svc/core/ledger"


def certified(
    vault: Running, csr: str, *, role: str = "ledger", uri: str = LEDGER, ttl: int = 600
) -> x509.Certificate:
    chain = vault.admin.vault().sign_csr(role, csr, uri=uri, ttl_seconds=ttl)
    return x509.load_pem_x509_certificates(chain.encode())[0]


def test_a_certificate_names_the_identity_and_loopback_and_is_signed_by_the_root(vault: Running) -> None:
    csr = request_for()
    chain = vault.as_service("ledger").sign_csr("ledger", csr, uri=LEDGER, ttl_seconds=600)
    leaf, root = x509.load_pem_x509_certificates(chain.encode())
    names = names_in(leaf)
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [LEDGER]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert leaf.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    leaf.verify_directly_issued_by(root)
    assert root == x509.load_pem_x509_certificate(vault.as_service("opa").ca_pem().encode())


def test_a_certificate_serves_and_calls_and_certifies_nobody(vault: Running) -> None:
    leaf = certified(vault, request_for())
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {each.dotted_string for each in uses} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


def test_the_root_is_p256_of_the_trust_domain_and_may_certify(vault: Running) -> None:
    root = x509.load_pem_x509_certificate(vault.admin.vault().ca_pem().encode())
    assert root.subject.rfc4514_string() == f"CN={TRUST_DOMAIN}"
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    root.verify_directly_issued_by(root)


def test_another_identity_in_the_request_is_not_looked_at(vault: Running) -> None:
    csr = request_for(f"spiffe://{TRUST_DOMAIN}/svc/core/identity", common_name="identity")
    leaf = certified(vault, csr)
    assert names_in(leaf).get_values_for_type(x509.UniformResourceIdentifier) == [LEDGER]
    assert not leaf.subject.rdns


@pytest.mark.parametrize(
    "uri",
    [
        f"spiffe://{TRUST_DOMAIN}/svc/core/identity",
        "spiffe://elsewhere.test/svc/core/ledger",
        f"{LEDGER},spiffe://{TRUST_DOMAIN}/svc/core/identity",
        f"{LEDGER}/more",
    ],
)
def test_another_identity_asked_of_a_fixed_role_is_refused(vault: Running, uri: str) -> None:
    with pytest.raises(VaultRefused, match="URI"):
        vault.as_service("ledger").sign_csr("ledger", request_for(uri), uri=uri, ttl_seconds=600)


def test_people_and_runs_get_a_client_certificate_without_names_of_this_host(vault: Running) -> None:
    for role, service in (("people", "identity"), ("run", "training")):
        uri = f"spiffe://{TRUST_DOMAIN}/{role}/x-1f"
        issuer = vault.as_service(service)
        chain = issuer.sign_csr(role, request_for(), uri=uri, ttl_seconds=600, loopback=False)
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        assert [name.value for name in names_in(leaf)] == [uri]
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert [each.dotted_string for each in uses] == ["1.3.6.1.5.5.7.3.2"]
        with pytest.raises(VaultRefused):
            issuer.sign_csr(role, request_for(), uri=uri, ttl_seconds=600)


@pytest.mark.parametrize("role", ["run", "people", "predictor-dev", "predictor-prod"])
def test_a_prefix_role_certifies_nothing_outside_its_prefix(vault: Running, role: str) -> None:
    for path in ("/svc/core/ledger", "/svc/test/predictor/x", "/other/x"):
        with pytest.raises(VaultRefused):
            certified(vault, request_for(), role=role, uri=f"spiffe://{TRUST_DOMAIN}{path}")


def test_a_predictor_of_one_environment_is_not_one_of_the_other(vault: Running) -> None:
    prod = f"spiffe://{TRUST_DOMAIN}/svc/prod/predictor/credit"
    assert certified(vault, request_for(), role="predictor-prod", uri=prod)
    with pytest.raises(VaultRefused):
        certified(vault, request_for(), role="predictor-dev", uri=prod)


def test_a_certificate_lives_as_long_as_asked_and_never_longer_than_its_role_allows(vault: Running) -> None:
    for asked, most in ((600, 600), (100_000, 3600)):
        leaf = certified(vault, request_for(), ttl=asked)
        life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        assert timedelta(seconds=most - 1) <= life <= timedelta(seconds=most + 35)


def test_a_request_that_its_keys_holder_did_not_sign_is_refused(vault: Running) -> None:
    with pytest.raises(VaultRefused):
        certified(vault, "not a request")
    with pytest.raises(VaultRefused):
        certified(vault, signed_by_another())


def test_a_role_that_is_not_there_is_not_found(vault: Running) -> None:
    with pytest.raises(NotFound):
        certified(vault, request_for(), role="nobody")


@pytest.mark.parametrize("name", ["../roles/ledger", "ledger/..", "", "a b", "ledger?x=1"])
def test_a_name_never_becomes_a_path(vault: Running, name: str) -> None:
    with pytest.raises(BadRequest):
        certified(vault, request_for(), role=name)
