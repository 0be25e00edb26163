"""A key says only what the root lists it for: another kind, environment, owner or moment, and it says nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Environment, Fact, FactKind, SignedFact, SpiffeId, canonical
from assay.contracts.facts import FACT_TYPE
from assay.errors import BadRequest, Forbidden, ServiceError, SignatureInvalid
from assay.ledger import Root, SignerEntry
from services.ledger import log as appending
from services.ledger.log import Log
from tests.support.ledger import DOMAIN, TIME, House, journal, revocation, run

ENVIRONMENTS = (None, Environment.DEV, Environment.TEST, Environment.PROD)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[House, Log]]:
    own = House(tmp_path)
    with own.open() as opened:
        own.found(opened)
        yield own, opened


def of(kind: FactKind, environment: Environment | None, about: str = "run/r-1") -> Fact:
    return Fact(kind=kind, about=about, tenant="demo", time=TIME, body={"n": 1}, environment=environment)


def by(house: House, entry: SignerEntry, fact: Fact) -> SignedFact:
    """Sign with a listed key, whatever it is listed for."""
    name = next(name for name in house.keys._keys if house.keys.public_key(name) == entry.public_key)
    return SignedFact(fact, entry.keyid, house.keys.sign(name, SignedFact.pae(fact.payload())))


def listed(entry: SignerEntry, kind: FactKind, environment: Environment | None) -> bool:
    """Say what the root says, in words of our own."""
    return entry.kind is kind and (entry.environments is None or environment in entry.environments)


def confused(house: House) -> list[tuple[SignerEntry, FactKind, Environment | None]]:
    every = product(house.root.signers, FactKind, ENVIRONMENTS)
    return [(entry, kind, where) for entry, kind, where in every if not listed(entry, kind, where)]


@pytest.mark.threat("T-SIG-02")
def test_no_key_signs_another_kind_or_environment_than_its_own(
    house: House, attempts: Callable[[int], None]
) -> None:
    tried = confused(house)
    for entry, kind, environment in tried:
        with pytest.raises(SignatureInvalid):
            house.root.verify(by(house, entry, of(kind, environment)), 1)
    assert len(tried) > 1000
    attempts(len(tried))


@pytest.mark.control("T-SIG-02")
def test_control_a_root_that_lists_every_key_for_everything_takes_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, kind, environment = next(one for one in confused(house) if one[0].until is None)
    signed = by(house, entry, of(kind, environment))
    with pytest.raises(SignatureInvalid):
        house.root.verify(signed, 1)
    monkeypatch.setattr(SignerEntry, "counts_for", lambda *_: True)
    house.root.verify(signed, 1)


def envelope(house: House) -> dict[str, Any]:
    made: dict[str, Any] = house.signer.sign(run("r-1")).to_json()
    return made


def payload(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """Return what changes an envelope's payload, canonical again."""

    def bend(made: dict[str, Any]) -> None:
        statement = json.loads(base64.b64decode(made["payload"]))
        change(statement)
        made["payload"] = base64.b64encode(canonical(statement)).decode()

    return bend


def raw(before: bytes, after: bytes) -> Callable[[dict[str, Any]], object]:
    def bend(made: dict[str, Any]) -> None:
        text = base64.b64decode(made["payload"])
        assert before in text
        made["payload"] = base64.b64encode(text.replace(before, after, 1)).decode()

    return bend


BENT: dict[str, Callable[[dict[str, Any]], object]] = {
    "another body": payload(lambda said: said["predicate"].update(n=2)),
    "another tenant": payload(lambda said: said["predicate"]["assay"].update(tenant="other")),
    "another time": payload(lambda said: said["predicate"]["assay"].update(time="2027-01-01T00:00:00Z")),
    "another head": payload(lambda said: said["predicate"]["assay"].update(previous="0" * 64)),
    "another kind": payload(lambda said: said["predicate"]["assay"].update(kind="alias")),
    "another predicate type": payload(lambda said: said.update(predicateType="https://evil.test/v1")),
    "another statement type": payload(lambda said: said.update(_type="https://evil.test/v1")),
    "a subject more": payload(
        lambda said: said["subject"].append({"name": "x", "digest": {"sha256": "0" * 64}})
    ),
    "a weak digest": payload(lambda said: said["subject"].append({"name": "x", "digest": {"md5": "0" * 32}})),
    "a member nobody knows": payload(lambda said: said["predicate"]["assay"].update(extra=1)),
    "a member twice": raw(b'{"', b'{"_type":"x","'),
    "spaces": raw(b":", b": "),
    "a byte-order mark": raw(b"{", b"\xef\xbb\xbf{"),
    "another payload type": lambda made: made.update(payloadType="application/json"),
    "two signatures": lambda made: made["signatures"].append(made["signatures"][0]),
    "no signature": lambda made: made.update(signatures=[]),
    "an empty signature": lambda made: made["signatures"][0].update(sig=""),
    "a member beside": lambda made: made.update(trusted=True),
    "no key": lambda made: made["signatures"][0].update(keyid=""),
    "another key": lambda made: made["signatures"][0].update(keyid="0" * 64),
}


@pytest.mark.threat("T-SIG-02")
@pytest.mark.parametrize("bend", BENT.values(), ids=BENT.keys())
def test_a_changed_envelope_is_no_fact(house: House, bend: Callable[[dict[str, Any]], object]) -> None:
    made = envelope(house)
    house.root.verify(SignedFact.from_json(made), 1)
    bend(made)
    with pytest.raises((SignatureInvalid, BadRequest)):
        house.root.verify(SignedFact.from_json(made), 1)


@pytest.mark.threat("T-SIG-02")
def test_a_signature_over_the_bare_payload_or_another_type_is_none(house: House) -> None:
    fact = run("r-1")
    keyid = house.signer.sign(fact).keyid
    others = (fact.payload(), f"DSSEv1 {len(FACT_TYPE)} {FACT_TYPE} ".encode() + fact.payload(), b"")
    for data in others:
        with pytest.raises(SignatureInvalid):
            house.root.verify(SignedFact(fact, keyid, house.keys.sign("fact-run", data)), 1)


@pytest.mark.control("T-SIG-02")
def test_control_a_root_that_does_not_verify_takes_a_changed_envelope(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = envelope(house)
    BENT["another body"](made)
    signed = SignedFact.from_json(made)
    monkeypatch.setattr(Root, "verify", lambda root, said, _index: root.signer_for(said.fact, said.keyid))
    assert house.root.verify(signed, 1).kind is FactKind.RUN


# ---- whoever holds a key also holds the certificate it is listed with

MINE = {
    "/svc/core/training": run("r-1"),
    "/svc/core/registry": revocation("a" * 64),
    "/svc/prod/predictor/credit": journal("/svc/prod/predictor/credit", Environment.PROD),
}
OTHERS = [
    *("/svc/core/serving", "/svc/core/ledger", "/people/p-ada", "/run/run-1", "/svc/prod/gateway"),
    *("/svc/dev/predictor/credit", "/svc/prod/predictor/other", "/svc/core/registry", "/svc/core/training"),
]


@pytest.mark.threat("T-SIG-02", "T-REG-09")
@pytest.mark.parametrize("owner", MINE)
@pytest.mark.parametrize("thief", OTHERS)
def test_a_stolen_key_is_no_use_without_its_owners_certificate(
    log: tuple[House, Log], owner: str, thief: str
) -> None:
    house, opened = log
    signed = house.signer.sign(MINE[owner])
    if thief == owner:
        return
    with pytest.raises(Forbidden):
        opened.submit(signed, SpiffeId(DOMAIN, thief))
    assert opened.head(signed.fact.about) is None


@pytest.mark.control("T-SIG-02")
def test_control_a_ledger_that_does_not_ask_who_connects_takes_it(
    log: tuple[House, Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, opened = log
    monkeypatch.setattr(appending, "_require_listed", lambda *_: None)
    done = opened.submit(house.signer.sign(run("r-1")), SpiffeId(DOMAIN, "/svc/core/serving")).result(30)
    assert opened.entry(done.index).about == "run/r-1"


@pytest.mark.threat("T-REG-09")
@pytest.mark.parametrize("kind", [FactKind.ROLE, FactKind.CREDENTIAL, FactKind.POLICY])
def test_identitys_own_key_makes_no_role_credential_or_policy_alone(
    log: tuple[House, Log], kind: FactKind
) -> None:
    house, opened = log
    house.enrol("p-eve")
    bare = {
        FactKind.ROLE: house.role_fact("p-bea", "administrator"),
        FactKind.CREDENTIAL: house.credential_fact("p-eve"),
        FactKind.POLICY: replace(house.policy_fact(), previous=_digest(opened, "policy")),
    }[kind]
    with pytest.raises(ServiceError, match="must"):
        opened.append(house.signer.sign(bare))


@pytest.mark.control("T-REG-09")
def test_control_with_their_administrators_the_same_facts_get_in(log: tuple[House, Log]) -> None:
    house, opened = log
    opened.append(house.signer.sign(house.role_fact("p-bea", "administrator", "p-ada", "p-grace")))
    assert "administrator" in opened.roles("p-bea", "demo")


def _digest(opened: Log, about: str) -> str | None:
    head = opened.head(about)
    return head.digest if head else None
