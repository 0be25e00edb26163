"""What gets into a log: facts by listed keys whose people said exactly them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.contracts import Approval, Assertion, Environment, Fact, FactKind, sha256_hex
from assay.errors import BadRequest, HeadMoved, SignatureInvalid
from assay.identity.statements import approval_statement
from assay.ledger import root_fact
from services.ledger.log import Log
from tests.support.ledger import DOMAIN, TIME, House, revocation, run


def statement(log: Log, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    seen = log.publisher.covering(1, 10).checkpoint
    said = approval_statement(
        trust_domain=DOMAIN,
        tenant="demo",
        model="credit-default",
        number=1,
        verb="approve",
        environment=Environment.PROD,
        tier="limited",
        package="a" * 64,
        evidence=["b" * 64],
        policy="c" * 64,
        conditions={},
        nonce="n-1",
        not_before=0,
        expiry=4_000_000_000,
        person="p-amir",
        role="approver",
        log_size=seen.size,
        log_root=seen.root.hex(),
    )
    return {**said, **changes}


def decision(
    assertion: Assertion, kind: FactKind = FactKind.APPROVAL, previous: str | None = None, number: int = 1
) -> Fact:
    body = Approval(model="credit-default", number=number, version="d" * 64, assertion=assertion)
    return Fact(
        kind=kind,
        about=f"approval/credit-default/{number}/prod/{assertion.person}",
        tenant="demo",
        time=TIME,
        body=body.model_dump(mode="json"),
        environment=Environment.PROD,
        previous=previous,
    )


def test_genesis_binds_people_roles_and_policy(house: House, log: Log) -> None:
    assert log.roles("p-ada", "demo") == {"administrator"}
    assert log.roles("p-amir", "demo") == {"approver"}
    assert log.roles("p-nobody", "demo") == frozenset()
    assert len(log.policy_revision()) == 64


def test_a_log_begins_with_the_pinned_root_and_nothing_else(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = House(tmp_path_factory.mktemp("other"), keys=house.keys)
    with house.open() as empty:
        with pytest.raises(SignatureInvalid, match="entry 0"):
            empty.append(house.signer.sign(run("r-1")))
        with pytest.raises(SignatureInvalid, match="another root"):
            empty.append(house.signer.sign(root_fact(other.root, time=TIME)))
        empty.append(house.signer.sign(root_fact(house.root, time=TIME)))


def test_the_same_root_again_is_refused(house: House, log: Log) -> None:
    fact = replace(root_fact(house.root, time=TIME), previous=log.entry(0).digest)
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(fact))


@pytest.mark.parametrize("said_by", [(), ("p-ada",), ("p-ada", "p-ada"), ("p-ada", "p-amir")])
def test_one_administrator_cannot_make_an_approver(house: House, log: Log, said_by: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(house.role_fact("p-bea", "risk", *said_by)))


def test_one_administrator_cannot_bind_a_credential(house: House, log: Log) -> None:
    house.enrol("p-new")
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(house.credential_fact("p-new", "p-ada")))
    log.append(house.signer.sign(house.credential_fact("p-new", "p-ada", "p-grace")))


def test_an_assertion_about_something_else_binds_nothing(house: House, log: Log) -> None:
    wanted = house.role_fact("p-bea", "risk", "p-ada", "p-grace")
    other = house.role_fact("p-amir", "risk", "p-ada", "p-grace")
    stolen = replace(wanted, body={**wanted.body, "assertions": other.body["assertions"]})
    with pytest.raises(SignatureInvalid, match="something else"):
        log.append(house.signer.sign(stolen))


def test_an_old_assertion_does_not_bring_a_role_back(house: House, log: Log) -> None:
    granted = house.role_fact("p-bea", "risk", "p-ada", "p-grace")
    first = log.append(house.signer.sign(granted))
    ended = house.role_fact("p-bea", "risk", "p-ada", "p-grace", ended=True, previous=first.digest)
    second = log.append(house.signer.sign(ended))
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(replace(granted, previous=second.digest)))
    assert log.roles("p-bea", "demo") == {"approver"}


def test_an_approvers_decision_gets_in(house: House, log: Log) -> None:
    said = house.people["p-amir"].assert_(statement(log))
    assert log.append(house.signer.sign(decision(said))).kind is FactKind.APPROVAL


def test_a_persons_fact_with_anothers_assertion_is_refused(house: House, log: Log) -> None:
    by_bea = house.people["p-bea"].assert_(statement(log))
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(decision(by_bea)))
    posing = by_bea.model_copy(update={"person": "p-amir"})
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(decision(posing)))


@pytest.mark.parametrize(
    "changes",
    [
        {"trust_domain": "elsewhere"},
        {"tenant": "other"},
        {"model": "fraud"},
        {"number": 2},
        {"number": True},
        {"verb": "reject"},
        {"environment": "dev"},
        {"person": "p-bea"},
        {"role": "administrator"},
        {"log_size": 10_000},
        {"log_root": "0" * 64},
    ],
)
def test_a_decision_must_be_what_the_person_said(house: House, log: Log, changes: dict[str, Any]) -> None:
    said = house.people["p-amir"].assert_(statement(log, **changes))
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(decision(said)))


def test_a_withdrawn_approval_is_not_said_again_by_its_old_assertion(house: House, log: Log) -> None:
    said = house.people["p-amir"].assert_(statement(log))
    approved = log.append(house.signer.sign(decision(said)))
    taken_back = house.people["p-amir"].assert_(statement(log, verb="withdraw", nonce="n-2"))
    withdrawn = log.append(house.signer.sign(decision(taken_back, FactKind.WITHDRAWAL, approved.digest)))
    with pytest.raises(SignatureInvalid, match="once"):
        log.append(house.signer.sign(decision(said, previous=withdrawn.digest)))


def test_a_revoked_credential_says_nothing_more(house: House, log: Log) -> None:
    said = house.people["p-amir"].assert_(statement(log))
    credential = next(r for r in log.entries(0, 100) if r.about.startswith("credential/p-amir/"))
    log.append(house.signer.sign(revocation(credential.digest)))
    with pytest.raises(SignatureInvalid, match="credential"):
        log.append(house.signer.sign(decision(said)))


def test_a_revoked_person_holds_no_role_until_the_revocation_ends(house: House, log: Log) -> None:
    key = sha256_hex(b"person/p-amir")
    revoked = log.append(house.signer.sign(revocation(key)))
    assert log.roles("p-amir", "demo") == frozenset()
    assert log.revoked(key)
    log.append(house.signer.sign(revocation(key, ended=True, previous=revoked.digest)))
    assert log.roles("p-amir", "demo") == {"approver"}
    assert log.revoked(key) is None


def test_a_revoked_key_signs_nothing_more(house: House, log: Log) -> None:
    keyid = house.signer.sign(run("r-1")).keyid
    log.append(house.signer.sign(revocation(sha256_hex(f"key/{keyid}".encode()))))
    with pytest.raises(SignatureInvalid, match="revoked"):
        log.append(house.signer.sign(run("r-1")))


@pytest.mark.parametrize(
    "fact",
    [
        replace(revocation("a" * 64), about="revocation/" + "b" * 64),
        replace(revocation("a" * 64), environment=Environment.PROD),
        replace(revocation("a" * 64), body={"revokes": "a" * 64}),
        replace(run("r-1"), about="run/../r-1"),
        replace(run("r-1"), about="dataset/demo/clients"),
    ],
)
def test_a_fact_is_about_what_its_body_says(house: House, log: Log, fact: Fact) -> None:
    with pytest.raises(BadRequest):
        log.append(house.signer.sign(fact))


def test_a_fact_whose_previous_is_not_the_head_moves_nothing(house: House, log: Log) -> None:
    first = log.append(house.signer.sign(run("r-1")))
    size = len(log.entries(0, 100))
    with pytest.raises(HeadMoved) as refusal:
        log.append(house.signer.sign(run("r-1", time="2026-01-02T03:04:06Z")))
    assert refusal.value.extra["head"] == first.digest
    head = log.head("run/r-1")
    assert head is not None
    assert head.digest == first.digest
    assert len(log.entries(0, 100)) == size
