"""A second root beside the first, then in its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from assay.errors import Conflict
from assay.vault.rotation import Issuer, add_issuer, drop_issuer, issue_with, issuers
from tests.contract.vault.world import TRUST_DOMAIN, Running
from tests.support.certificate_requests import request_for

LEDGER = f"spiffe://{TRUST_DOMAIN}/svc/core/ledger"


def leaf(vault: Running) -> x509.Certificate:
    chain = vault.as_service("ledger").sign_csr("ledger", request_for(), uri=LEDGER, ttl_seconds=600)
    return x509.load_pem_x509_certificates(chain.encode())[0]


def root(issuer: Issuer) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issuer.pem.encode())


@pytest.fixture
def two(vault: Running) -> Iterator[tuple[Issuer, Issuer]]:
    """The root that issues and a newer one; afterwards one that issues is left."""
    (first,) = issuers(vault.admin)
    yield first, add_issuer(vault.admin, TRUST_DOMAIN)
    for issuer in issuers(vault.admin):
        if not issuer.issues:
            drop_issuer(vault.admin, issuer)


def test_a_second_root_issues_only_when_told_and_both_are_of_the_trust_domain(
    vault: Running, two: tuple[Issuer, Issuer]
) -> None:
    first, second = two
    assert root(second).subject == root(first).subject
    assert root(second).public_key() != root(first).public_key()
    leaf(vault).verify_directly_issued_by(root(first))
    issue_with(vault.admin, second)
    leaf(vault).verify_directly_issued_by(root(second))
    with pytest.raises(InvalidSignature):
        leaf(vault).verify_directly_issued_by(root(first))
    assert vault.as_service("opa").ca_pem() == second.pem
    assert [one.name for one in issuers(vault.admin)] == [second.name, first.name]


def test_a_third_root_is_refused_while_there_are_two(vault: Running, two: tuple[Issuer, Issuer]) -> None:
    assert len(two) == 2
    with pytest.raises(Conflict):
        add_issuer(vault.admin, TRUST_DOMAIN)


def test_the_root_that_issues_is_not_dropped_and_a_dropped_one_is_gone(
    vault: Running, two: tuple[Issuer, Issuer]
) -> None:
    first, second = two
    with pytest.raises(Conflict):
        drop_issuer(vault.admin, first)
    issue_with(vault.admin, second)
    drop_issuer(vault.admin, first)
    assert [one.name for one in issuers(vault.admin)] == [second.name]
    leaf(vault).verify_directly_issued_by(root(second))
