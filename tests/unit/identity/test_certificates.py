from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import SpiffeId
from assay.errors import BadRequest, SignatureInvalid, Unauthenticated
from assay.identity.certificates import Certified, key_digest, new_key, request_for
from assay.identity.contexts import expected_identity
from assay.identity.person import PersonIdentity
from assay.identity.workload import WorkloadIdentity
from tests.unit.identity.authority import Authority

ADA = "spiffe://assay.test/people/p-ada"


def test_a_request_names_nothing_and_proves_its_key() -> None:
    key = new_key()
    request = x509.load_pem_x509_csr(request_for(key).encode())
    assert not list(request.subject)
    assert not list(request.extensions)
    assert key_digest(request_for(key)) == key_digest(request_for(key))
    assert key_digest(request_for(new_key())) != key_digest(request_for(key))


@pytest.mark.parametrize("csr", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END-----"])
def test_what_is_no_request_is_refused(csr: str) -> None:
    with pytest.raises(BadRequest):
        key_digest(csr)


def test_a_request_on_another_curve_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with pytest.raises(BadRequest):
        key_digest(request.public_bytes(serialization.Encoding.PEM).decode())


def test_a_certificate_of_another_key_or_identity_is_not_taken(tmp_path: Path) -> None:
    authority = Authority()
    chain = authority.issue(request_for(new_key()), [ADA])
    with pytest.raises(SignatureInvalid, match="another key"):
        Certified.read(new_key(), chain)
    with pytest.raises(SignatureInvalid, match=r"certified spiffe://assay\.test/people/p-ada"):
        WorkloadIdentity.obtain(
            authority.issuer(ADA),
            spiffe=SpiffeId.parse("spiffe://assay.test/svc/core/ledger"),
            ca_pem=authority.ca_pem,
            run_dir=tmp_path,
        )


def test_keys_never_show_in_a_repr() -> None:
    key = new_key()
    certified = Certified.read(key, Authority().issue(request_for(key), [ADA]))
    assert "PRIVATE" not in repr(certified)


def test_a_person_is_who_their_certificate_names_until_it_ends(tmp_path: Path) -> None:
    authority, key = Authority(), new_key()
    folder, ca = tmp_path / "ada", tmp_path / "ca.pem"
    ca.write_text(authority.ca_pem)
    with pytest.raises(Unauthenticated, match="not logged in"):
        PersonIdentity.load(folder, ca)
    PersonIdentity.write(folder, key, authority.issue(request_for(key), [ADA]), authority.ca_pem)
    assert PersonIdentity.load(folder, ca).person == "p-ada"
    assert (folder / "identity.pem").stat().st_mode & 0o777 == 0o600
    ended = authority.issue(request_for(key), [ADA], begins=-100, seconds=-1)
    PersonIdentity.write(folder, key, ended, authority.ca_pem)
    with pytest.raises(Unauthenticated, match="ended"):
        PersonIdentity.load(folder, ca)


@pytest.mark.parametrize(
    ("expect", "path"),
    [
        ("registry", "/svc/core/registry"),
        ("/svc/prod/predictor/credit", "/svc/prod/predictor/credit"),
        ("spiffe://assay.test/run/run-1", "/run/run-1"),
    ],
)
def test_an_expected_server_is_named_shortly_or_wholly(expect: str, path: str) -> None:
    assert expected_identity(expect, "assay.test") == SpiffeId("assay.test", path)
    assert expected_identity(None, "assay.test") is None


@pytest.mark.parametrize("expect", ["", "../registry", "Registry", "spiffe://assay.test"])
def test_an_expectation_that_names_no_one_is_refused(expect: str) -> None:
    with pytest.raises(BadRequest):
        expected_identity(expect, "assay.test")
