from __future__ import annotations

from typing import Any

import pytest

from assay.contracts import Assertion, Environment, Fact, FactKind
from assay.errors import BadRequest
from assay.identity.enrol import credential_fact, policy_fact, role_fact
from assay.identity.statements import (
    administrators_needed,
    approval_statement,
    asserted,
    credential_statement,
    role_statement,
)

TIME = "2026-01-01T00:00:00Z"
SAID = Assertion(
    statement={}, person="p-ada", credential_id="c", authenticator_data="", client_data="", signature=""
)
CREDENTIAL: dict[str, Any] = {
    "person": "p-dana",
    "credential_id": "abc",
    "public_key": "key",
    "software": True,
}
POLICY: dict[str, Any] = {"revision": "1" * 64, "bundle": "2" * 64, "preview": "3" * 64}


def test_a_fact_says_itself_what_its_assertions_must_say() -> None:
    fact = credential_fact(**CREDENTIAL, tenant="demo", time=TIME)
    expected = credential_statement(trust_domain="assay.test", previous=None, **CREDENTIAL)
    assert asserted(fact, "assay.test") == expected
    ended = role_fact(
        person="p-dana", role="approver", ended=True, previous="0" * 64, tenant="demo", time=TIME
    )
    assert asserted(ended, "assay.test") == role_statement(
        trust_domain="assay.test",
        tenant="demo",
        person="p-dana",
        role="approver",
        ended=True,
        previous="0" * 64,
    )


def test_adding_the_assertions_does_not_change_what_they_must_say() -> None:
    for assertions in ((), (SAID,), (SAID, SAID)):
        facts = (
            credential_fact(**CREDENTIAL, tenant="demo", time=TIME, assertions=assertions),
            role_fact(person="p-dana", role="approver", tenant="demo", time=TIME, assertions=assertions),
            policy_fact(**POLICY, tenant="demo", time=TIME, assertions=assertions),
        )
        assert [asserted(fact, "d.test")["type"] for fact in facts] == [
            "assay-credential/v1",
            "assay-role/v1",
            "assay-policy/v1",
        ]
        assert not any("assertions" in asserted(fact, "d.test") for fact in facts)


@pytest.mark.parametrize(
    "changed",
    [{"person": "p-eve"}, {"credential_id": "abd"}, {"public_key": "other"}, {"software": False}],
)
def test_every_member_of_a_credential_is_asserted(changed: dict[str, Any]) -> None:
    fact = credential_fact(**CREDENTIAL, tenant="demo", time=TIME)
    other = credential_fact(**{**CREDENTIAL, **changed}, tenant="demo", time=TIME)
    assert asserted(fact, "assay.test") != asserted(other, "assay.test")
    assert asserted(fact, "assay.test") != asserted(fact, "other.test")


@pytest.mark.parametrize("member", ["revision", "bundle", "preview"])
def test_every_member_of_a_policy_is_asserted(member: str) -> None:
    fact = policy_fact(**POLICY, tenant="demo", time=TIME)
    other = policy_fact(**{**POLICY, member: "4" * 64}, tenant="demo", time=TIME)
    assert asserted(fact, "assay.test") != asserted(other, "assay.test")


def test_a_fact_about_something_else_than_it_says_is_refused() -> None:
    body = role_fact(person="p-dana", role="approver", tenant="demo", time=TIME).body
    with pytest.raises(BadRequest):
        asserted(Fact(FactKind.ROLE, "role/demo/p-dana/viewer", "demo", TIME, body), "assay.test")
    with pytest.raises(BadRequest):
        asserted(Fact(FactKind.ALIAS, "alias/x", "demo", TIME, {}), "assay.test")


def test_whatever_could_make_an_approver_needs_two_administrators() -> None:
    def needed(role: str, *, ended: bool = False) -> int:
        return administrators_needed(
            role_fact(person="p-dana", role=role, ended=ended, tenant="demo", time=TIME)
        )

    assert [needed(role) for role in ("approver", "risk", "administrator", "data-scientist")] == [2, 2, 2, 1]
    assert administrators_needed(credential_fact(**CREDENTIAL, tenant="demo", time=TIME)) == 2
    assert administrators_needed(policy_fact(**POLICY, tenant="demo", time=TIME)) == 2


def test_an_approval_names_everything_it_depends_on_and_sorts_the_evidence() -> None:
    terms: dict[str, Any] = {
        "trust_domain": "assay.test",
        "tenant": "demo",
        "model": "credit-default",
        "number": 1,
        "verb": "approve",
        "environment": Environment.PROD,
        "tier": "high",
        "package": "a" * 64,
        "evidence": ["c" * 64, "b" * 64],
        "policy": "r1",
        "conditions": {},
        "nonce": "n",
        "not_before": 1,
        "expiry": 2,
        "person": "p-bea",
        "role": "approver",
        "log_size": 10,
        "log_root": "d" * 64,
    }
    statement = approval_statement(**terms)
    assert statement["evidence"] == ["b" * 64, "c" * 64]
    assert set(terms) < set(statement)
    assert statement["type"] == "assay-approval/v1"
    assert statement["environment"] == "prod"
