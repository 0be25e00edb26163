"""The root: asserted by enough founders, read strictly, and only listed keys count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from assay.contracts import Environment, SignedFact, SpiffeId
from assay.errors import BadRequest, NotFound, SignatureInvalid
from assay.ledger import Root, key_name
from assay.ledger.errors import RootExpired
from tests.support.ledger import DOMAIN, House, journal, revocation, run


def test_a_root_said_by_enough_founders_is_believed(house: House) -> None:
    assert house.root.trust_domain == DOMAIN
    assert house.root.demonstration
    assert [founder.person for founder in house.root.founders] == ["p-ada", "p-grace"]
    assert Root.parse(house.root_json(("p-grace", "p-ada"))).fingerprint == house.root.fingerprint


@pytest.mark.parametrize("people", [("p-ada",), ("p-ada", "p-ada"), ("p-ada", "p-amir"), ()])
def test_a_root_said_by_too_few_founders_is_refused(house: House, people: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid):
        Root.parse(house.root_json(people))


def test_a_root_that_is_not_what_the_founders_said_is_refused(house: House) -> None:
    said = house.root_json(("p-ada", "p-grace"))
    for old, new in ((b'"threshold":2', b'"threshold":1'), (b"svc/core/registry", b"svc/core/serving!")):
        assert old in said
        with pytest.raises((SignatureInvalid, BadRequest)):
            Root.parse(said.replace(old, new))


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"version": 2},
        {"threshold": 3},
        {"threshold": "2"},
        {"demonstration": "yes"},
        {"expires": "2030-01-01T00:00:00"},
        {"origins": []},
        {"quorum": 1},
    ],
)
def test_a_root_of_another_form_is_refused(house: House, changes: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Root.parse(house.root_json(("p-ada", "p-grace"), **changes))


def test_a_key_listed_under_another_keys_id_is_refused(house: House) -> None:
    signers = house.payload()["signers"]
    signers[0] = {**signers[0], "public_key": house.keys.public_key("other")}
    with pytest.raises(BadRequest, match="not the id"):
        Root.parse(house.root_json(("p-ada", "p-grace"), signers=signers))


def test_software_passkeys_found_a_demonstration_only(house: House) -> None:
    watched = House(house.folder / "watched", witnesses=1)
    with pytest.raises(SignatureInvalid, match="demonstration"):
        Root.parse(watched.root_json(("p-ada", "p-grace"), demonstration=False))


def test_only_a_demonstration_does_without_witnesses(house: House) -> None:
    with pytest.raises(BadRequest, match="witnesses"):
        Root.parse(house.root_json(("p-ada", "p-grace"), demonstration=False))


def test_a_root_names_its_witnesses_and_how_many_of_them_it_takes(house: House) -> None:
    root = House(house.folder / "watched", witnesses=3, quorum=2).root
    authority = root.authority_at(7)
    assert [one.name for one in authority.witnesses] == ["witness-0", "witness-1", "witness-2"]
    assert authority.quorum == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda listed: [listed[0], listed[0]],
        lambda listed: [listed[0], {**listed[1], "name": listed[0]["name"]}],
        lambda listed: [{**listed[0], "keyid": listed[1]["keyid"]}, listed[1]],
        lambda listed: [{**listed[0], "name": "two words"}, listed[1]],
        lambda listed: [{**listed[0], "name": "assay.demo/ledger"}, listed[1]],
        lambda listed: listed[:1],
    ],
)
def test_a_witness_is_one_name_and_one_key(house: House, spoil: Callable[[list[Any]], list[Any]]) -> None:
    watched = House(house.folder / "watched", witnesses=2)
    with pytest.raises(BadRequest):
        Root.parse(watched.root_json(("p-ada", "p-grace"), witnesses=spoil(watched.payload()["witnesses"])))


def test_a_missing_root_says_where_it_was_looked_for(house: House) -> None:
    with pytest.raises(NotFound, match=r"nothing\.json"):
        Root.load(house.folder / "nothing.json")


def test_expiry_stops_appending_and_not_reading(house: House) -> None:
    ended = replace(house.root, expires=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(RootExpired):
        ended.require_current(datetime(2026, 1, 1, tzinfo=UTC))
    ended.verify(house.signer.sign(run("r-1")))


def test_a_key_counts_for_its_own_kind_only(house: House) -> None:
    fact = run("r-1")
    by_registry = house.signer.sign(revocation("a" * 64))
    forged = SignedFact(
        fact, by_registry.keyid, house.keys.sign("fact-revocation", SignedFact.pae(fact.payload()))
    )
    with pytest.raises(SignatureInvalid, match="does not let key"):
        house.root.verify(forged)


def test_a_key_counts_for_its_own_environment_only(house: House) -> None:
    fact = journal("/svc/prod/predictor/credit", Environment.PROD)
    house.root.verify(house.signer.sign(fact))
    by_dev = house.signer.sign(replace(fact, environment=Environment.DEV))
    forged = SignedFact(
        fact, by_dev.keyid, house.keys.sign("fact-journal-dev", SignedFact.pae(fact.payload()))
    )
    with pytest.raises(SignatureInvalid):
        house.root.verify(forged)


def test_a_journal_is_only_its_owners(house: House) -> None:
    for identity in ("/svc/prod/predictor/credit", "/svc/prod/predictor/a/b", "/svc/dev/predictor/credit"):
        signed = house.signer.sign(journal(identity, Environment.PROD))
        if identity == "/svc/prod/predictor/credit":
            entry = house.root.verify(signed)
            assert entry.is_by(SpiffeId.parse(f"spiffe://{DOMAIN}/svc/prod/predictor/other"))
            assert not entry.is_by(SpiffeId.parse(f"spiffe://{DOMAIN}/svc/dev/predictor/credit"))
            continue
        with pytest.raises(SignatureInvalid):
            house.root.verify(signed)
    with pytest.raises(SignatureInvalid):
        house.root.verify(house.signer.sign(journal("/svc/core/serving", None)))


def test_a_key_counts_in_its_interval_of_the_log_only(house: House) -> None:
    listed = [replace(one, from_index=3, until=5) for one in house.root.signers]
    root, signed = replace(house.root, signers=tuple(listed)), house.signer.sign(run("r-1"))
    for index in (3, 4):
        root.verify(signed, index)
    for index in (0, 2, 5, 6):
        with pytest.raises(SignatureInvalid):
            root.verify(signed, index)


def test_a_signature_over_other_bytes_is_refused(house: House) -> None:
    signed = house.signer.sign(run("r-1"))
    with pytest.raises(SignatureInvalid):
        house.root.verify(replace(signed, fact=run("r-2")))


def test_keys_are_named_by_kind_and_by_environment_where_they_differ(house: House) -> None:
    assert key_name(run("r-1")) == "fact-run"
    assert key_name(journal("/svc/core/registry", None)) == "fact-journal-core"
    assert key_name(journal("/svc/prod/predictor/x", Environment.PROD)) == "fact-journal-prod"


def test_a_signer_notices_that_its_key_was_rotated(house: House) -> None:
    old = house.signer.sign(run("r-1")).keyid
    house.keys.rotate("fact-run")
    new = house.signer.sign(run("r-1"))
    assert new.keyid != old
    with pytest.raises(SignatureInvalid):
        house.root.verify(new)
