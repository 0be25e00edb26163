"""What the facts of one tenant may say, and what they never say for another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assay.contracts import Environment, Fact, FactKind, Rollout, Version, sha256_hex
from assay.errors import BadRequest, SignatureInvalid
from assay.identity.statements import ADMINISTRATOR, FOUNDER
from assay.ledger.errors import NameOwned
from services.ledger.log import Log
from tests.support.ledger import DOMAIN, TIME, House, revocation, run

BOTH = ("p-ada", "p-grace")


def version(tenant: str, model: str = "credit") -> Fact:
    body = Version(
        trust_domain=DOMAIN,
        model=model,
        number=1,
        package="a" * 64,
        signature="b" * 64,
        run="c" * 64,
        checkpoint="last",
        tier="limited",
        contributors=(),
    )
    return Fact(FactKind.VERSION, f"model/{tenant}/{model}", tenant, TIME, body.model_dump(mode="json"))


def rollout(tenant: str, endpoint: str = "credit") -> Fact:
    body = Rollout(
        endpoint=endpoint,
        model="credit",
        number=1,
        version="a" * 64,
        package="b" * 64,
        approvals=(),
        evidence=(),
        policy="c" * 64,
        reason="first",
    )
    about = f"endpoint/prod/{endpoint}"
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Fact(
        FactKind.ROLLOUT, about, tenant, now, body.model_dump(mode="json"), environment=Environment.PROD
    )


def test_the_first_fact_after_the_root_says_which_tenant_is_the_platforms_own(log: Log) -> None:
    assert log.tenant == "demo"


def test_a_role_counts_in_its_tenant_alone(house: House, log: Log) -> None:
    log.append(house.signer.sign(house.role_fact("p-bea", "approver", *BOTH, tenant="acme")))
    log.append(house.signer.sign(house.role_fact("p-bea", "data-scientist", "p-ada", tenant="other")))
    assert log.roles("p-bea", "acme") == log.roles("p-bea", "demo") == {"approver"}
    assert log.roles("p-bea", "other") == {"data-scientist"}
    assert log.roles("p-amir", "acme") == frozenset()
    ended = house.role_fact(
        "p-bea", "approver", *BOTH, ended=True, previous=_head(log, "role/acme/p-bea/approver"), tenant="acme"
    )
    log.append(house.signer.sign(ended))
    assert log.roles("p-bea", "acme") == frozenset()
    assert log.roles("p-bea", "demo") == {"approver"}


def test_founders_may_appoint_in_every_tenant_and_are_administrators_of_their_own(log: Log) -> None:
    assert log.roles("p-ada", "demo") == {ADMINISTRATOR}
    assert log.roles("p-ada", "acme") == {FOUNDER}


def test_who_is_no_administrator_any_more_is_no_founder_anywhere(house: House, log: Log) -> None:
    previous = _head(log, "role/demo/p-ada/administrator")
    log.append(
        house.signer.sign(house.role_fact("p-ada", ADMINISTRATOR, *BOTH, ended=True, previous=previous))
    )
    assert log.roles("p-ada", "acme") == frozenset()
    with pytest.raises(SignatureInvalid, match="p-ada is no administrator of acme"):
        log.append(house.signer.sign(house.role_fact("p-bea", "viewer", "p-ada", tenant="acme")))


def test_a_tenants_administrators_appoint_in_it_and_nowhere_else(house: House, log: Log) -> None:
    for person in ("p-amir", "p-bea"):
        log.append(house.signer.sign(house.role_fact(person, ADMINISTRATOR, *BOTH, tenant="acme")))
    own = house.role_fact("p-bea", "approver", "p-amir", "p-bea", tenant="acme")
    assert log.append(house.signer.sign(own)).index
    for tenant in ("demo", "other"):
        foreign = house.role_fact("p-amir", "viewer", "p-amir", tenant=tenant)
        with pytest.raises(SignatureInvalid, match=f"p-amir is no administrator of {tenant}"):
            log.append(house.signer.sign(foreign))


def test_a_tenants_administrators_bind_no_credential_and_activate_no_policy(house: House, log: Log) -> None:
    for person in ("p-amir", "p-bea"):
        log.append(house.signer.sign(house.role_fact(person, ADMINISTRATOR, *BOTH, tenant="acme")))
    house.enrol("p-new")
    credential = house.credential_fact("p-new", "p-amir", "p-bea")
    with pytest.raises(SignatureInvalid, match="no administrator of demo"):
        log.append(house.signer.sign(credential))
    policy = replace(house.policy_fact("p-amir", "p-bea"), previous=_head(log, "policy"))
    for fact in (credential, policy):
        with pytest.raises(SignatureInvalid, match="the platform's own tenant"):
            log.append(house.signer.sign(replace(fact, tenant="acme")))


def test_what_administrators_say_of_one_tenant_is_not_said_of_another(house: House, log: Log) -> None:
    said = house.role_fact("p-bea", "viewer", "p-ada", tenant="acme")
    with pytest.raises(SignatureInvalid, match="asserts something else"):
        log.append(house.signer.sign(replace(said, tenant="other", about="role/other/p-bea/viewer")))


def test_nobody_is_made_a_founder(house: House, log: Log) -> None:
    for tenant in ("demo", "acme"):
        with pytest.raises(SignatureInvalid, match="no administrator"):
            log.append(house.signer.sign(house.role_fact("p-bea", FOUNDER, *BOTH, tenant=tenant)))


def test_a_name_belongs_to_the_tenant_that_used_it_first(house: House, log: Log) -> None:
    for first, second in ((version, version), (rollout, rollout)):
        mine = log.append(house.signer.sign(first("acme")))
        theirs = second("demo")
        previous = None if theirs.about != mine.about else mine.digest
        with pytest.raises(NameOwned):
            log.append(house.signer.sign(replace(theirs, previous=previous)))
    assert log.owner("model/credit") == log.owner("endpoint/prod/credit") == "acme"
    assert log.owner("model/other") is None


def test_a_name_still_belongs_to_its_tenant_after_a_restart(house: House) -> None:
    with house.open() as log:
        house.found(log)
        for fact in (version("acme"), rollout("acme")):
            log.append(house.signer.sign(fact))
    with house.open(create=False) as log:
        assert log.owner("model/credit") == log.owner("endpoint/prod/credit") == "acme"
        with pytest.raises(NameOwned):
            log.append(house.signer.sign(version("demo")))


def test_a_run_of_another_tenant_is_not_taken_on(house: House, log: Log) -> None:
    first = log.append(house.signer.sign(run("r-1")))
    foreign = replace(run("r-1"), tenant="acme", previous=first.digest)
    with pytest.raises(NameOwned):
        log.append(house.signer.sign(foreign))


def test_a_fact_names_a_tenant(house: House, log: Log) -> None:
    for tenant in ("", "Acme", "a/b", "x" * 33):
        with pytest.raises(BadRequest):
            log.append(house.signer.sign(replace(run("r-9"), tenant=tenant)))


def test_a_revoked_person_holds_nothing_in_any_tenant(house: House, log: Log) -> None:
    log.append(house.signer.sign(revocation(sha256_hex(b"person/p-ada"))))
    assert log.roles("p-ada", "demo") == log.roles("p-ada", "acme") == frozenset()


def _head(log: Log, about: str) -> str:
    head = log.head(about)
    assert head is not None
    return head.digest
