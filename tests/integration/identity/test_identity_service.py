from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from assay.contracts import SpiffeId
from assay.errors import ServiceError, Unauthenticated
from assay.identity.certificates import key_digest, new_key, request_for
from assay.identity.grants import verify
from assay.identity.holder import anonymous_client
from assay.web.client import call
from tests.integration.identity.lab import Lab, spiffe
from tests.integration.identity.world import World
from tests.unit.identity.authority import DOMAIN


@pytest.fixture
def world(lab: Lab, tmp_path: Path) -> World:
    folder = tmp_path / "world"
    folder.mkdir()
    return World(lab, folder)


@pytest.fixture
def stranger(world: World) -> Iterator[httpx.Client]:
    with anonymous_client(
        world.login_url, ca_pem=world.lab.authority.ca_pem, trust_domain=DOMAIN, expect="identity"
    ) as http:
        yield http


@pytest.fixture
def ada(world: World) -> Iterator[httpx.Client]:
    with world.log_in("ada").client(world.url, expect="identity") as http:
        yield http


def asked(stranger: httpx.Client, person: str, key: str) -> dict[str, Any]:
    answer = call(stranger.post("/v1/login/challenge", json={"person": person, "key": key}))
    statement: dict[str, Any] = answer.json()["statement"]
    return statement


def handed_in(stranger: httpx.Client, assertion: Any, csr: str) -> httpx.Response:  # noqa: ANN401
    return stranger.post("/v1/login", json={"assertion": assertion.model_dump(mode="json"), "csr": csr})


# ---- signing in


def test_a_bound_passkey_gets_a_one_hour_certificate_for_its_person(world: World) -> None:
    identity = world.log_in("dana")
    assert identity.person == world.people["dana"].person
    leaf = x509.load_pem_x509_certificate(identity.certificate_path.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [f"spiffe://{DOMAIN}/people/{identity.person}"]
    assert 3590 < (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() < 3610
    with identity.client(world.url, expect="identity") as http:
        assert http.get("/v1/people").status_code == 200


def test_a_passkey_that_is_bound_to_nobody_is_refused(world: World) -> None:
    with pytest.raises(ServiceError, match="not accepted") as refused:
        world.log_in("amir")
    assert refused.value.status == 401


def test_a_revoked_person_cannot_log_in(world: World) -> None:
    world.revoke(f"person/{world.people['dana'].person}")
    with pytest.raises(ServiceError, match="not accepted"):
        world.log_in("dana")


def test_a_challenge_works_once(world: World, stranger: httpx.Client) -> None:
    csr = request_for(new_key())
    dana = world.people["dana"]
    said = dana.assert_(asked(stranger, dana.person, key_digest(csr)))
    assert handed_in(stranger, said, csr).status_code == 200
    again = handed_in(stranger, said, csr)
    assert (again.status_code, again.json()["title"]) == (401, "ChallengeSpent")


def test_an_assertion_certifies_no_other_key_than_it_names(world: World, stranger: httpx.Client) -> None:
    dana = world.people["dana"]
    said = dana.assert_(asked(stranger, dana.person, key_digest(request_for(new_key()))))
    answer = handed_in(stranger, said, request_for(new_key()))
    assert (answer.status_code, answer.json()["title"]) == (401, "PasskeyRefused")


def test_a_browsers_passkey_logs_in_at_the_page_and_nowhere_else(
    world: World, stranger: httpx.Client
) -> None:
    """A page that is not what it says could have somebody sign a login for its own key."""
    csr, passkey = request_for(new_key()), world.browser_passkey("dana")
    answer = handed_in(stranger, passkey.assert_(asked(stranger, passkey.person, key_digest(csr))), csr)
    assert (answer.status_code, answer.json()["title"]) == (401, "PasskeyRefused")


def test_a_challenge_for_one_person_is_no_use_to_another(world: World, stranger: httpx.Client) -> None:
    csr = request_for(new_key())
    said = world.people["dana"].assert_(asked(stranger, world.people["ada"].person, key_digest(csr)))
    assert handed_in(stranger, said, csr).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"expiry": 9999999999},
        {"nonce": "AAAA"},
        {"nonce": 7},
        {"trust_domain": "other.test"},
        {"type": "assay-approval/v1"},
        {"more": "x"},
        {"more": {"deep": []}},
    ],
)
def test_a_statement_identity_did_not_issue_is_refused(
    world: World, stranger: httpx.Client, change: dict[str, Any]
) -> None:
    csr = request_for(new_key())
    dana = world.people["dana"]
    statement = asked(stranger, dana.person, key_digest(csr))
    answer = handed_in(stranger, dana.assert_({**statement, **change}), csr)
    assert (answer.status_code, answer.json()["title"]) == (401, "ChallengeSpent")


def test_asking_tells_nothing_about_who_exists(world: World, stranger: httpx.Client) -> None:
    def told(name: str) -> dict[str, Any]:
        answer = stranger.post("/v1/login/challenge", json={"name": name, "key": "0" * 64})
        statement: dict[str, Any] = answer.json()["statement"]
        return statement

    first, second = told("nobody"), told("nobody")
    assert first["person"] == second["person"]
    assert first["nonce"] != second["nonce"]
    assert told("somebody")["person"] != first["person"]


def test_the_login_listener_has_nothing_but_the_login_exchange(world: World, stranger: httpx.Client) -> None:
    for method, path in (("GET", "/v1/people"), ("POST", "/v1/grants"), ("POST", "/v1/roles")):
        assert stranger.request(method, path, json={}).status_code == 404
    with world.lab.workload("/svc/core/serving").client(world.url, expect="identity") as http:
        assert http.post("/v1/login/challenge", json={}).status_code == 404


def test_a_login_signs_nothing_but_a_login(world: World) -> None:
    from assay.identity import login

    def exchange(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"statement": {"type": "assay-approval/v1", "trust_domain": DOMAIN, "key": body["key"]}}

    with pytest.raises(ServiceError, match="nothing was signed"):
        login._exchanged(world.people["dana"], exchange, DOMAIN, "", world.folder)


# ---- grants


def wish(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    terms = {"act": "training", "audience": ["features"], "actions": ["features/read"], "seconds": 600}
    return {**terms, **changed}


def test_a_person_grants_a_service_and_the_grant_verifies_there(world: World) -> None:
    with world.log_in("dana").client(world.url, expect="identity") as http:
        token = call(http.post("/v1/grants", json=wish())).json()["grant"]
    import time

    grant = verify(token, world.root, spiffe("/svc/core/training"), "features", time.time())
    assert grant.person == world.people["dana"].person
    assert grant.actions == ("features/read",)
    with pytest.raises(Unauthenticated):
        verify(token, world.root, SpiffeId(DOMAIN, "/svc/core/serving"), "features", time.time())


@pytest.mark.parametrize(
    "changed",
    [
        {"act": "/people/p-1"},
        {"act": "spiffe://other.test/svc/core/training"},
        {"act": f"spiffe://{DOMAIN}/run/run-1"},
        {"audience": []},
        {"actions": []},
        {"actions": ["registry/promote"]},
        {"seconds": 0},
        {"seconds": 10**6},
    ],
)
def test_a_grant_that_is_too_wide_is_refused(ada: httpx.Client, changed: dict[str, Any]) -> None:
    answer = ada.post("/v1/grants", json=wish(**changed))
    assert (answer.status_code, answer.json()["title"]) == (422, "GrantTooWide")


def test_a_service_grants_nothing_even_with_a_persons_grant(world: World) -> None:
    with world.log_in("dana").client(world.url, expect="identity") as http:
        terms = wish(audience=["identity"], actions=["identity/grant"])
        token = call(http.post("/v1/grants", json=terms)).json()["grant"]
    with world.lab.workload("/svc/core/training").client(world.url, expect="identity", grant=token) as http:
        answer = http.post("/v1/grants", json=wish())
    assert (answer.status_code, answer.json()["title"]) == (403, "NotAPerson")


# ---- people


def test_people_have_roles_from_facts_and_names_from_a_table_that_can_be_deleted(
    world: World, ada: httpx.Client
) -> None:
    world.grant_role("dana", "data-scientist")
    dana = world.people["dana"].person
    assert call(ada.put(f"/v1/people/{dana}", json={"name": "Dana"})).json()["name"] == "Dana"
    everybody = {each["person"]: each for each in ada.get("/v1/people").json()["people"]}
    assert everybody[dana] == {"person": dana, "name": "Dana", "roles": ["data-scientist"]}
    assert ada.delete(f"/v1/people/{dana}/name").status_code == 200
    everybody = {each["person"]: each for each in ada.get("/v1/people").json()["people"]}
    assert everybody[dana]["name"] is None
    assert b"Dana" not in (world.folder / "identity.db").read_bytes()


def test_names_are_unique_printable_and_of_people_who_exist(world: World, ada: httpx.Client) -> None:
    first = call(ada.post("/v1/people", json={"name": "Eve"})).json()["person"]
    assert ada.post("/v1/people", json={"name": "Eve"}).status_code == 409
    assert ada.put(f"/v1/people/{first}", json={"name": "a\u202eb"}).status_code == 400
    assert ada.put("/v1/people/p-nobody", json={"name": "X"}).status_code == 404
    assert world.people["ada"].person != first


# ---- what administrators say


def test_one_administrator_grants_a_role_that_cannot_approve(world: World, ada: httpx.Client) -> None:
    role = {"person": world.people["dana"].person, "role": "data-scientist"}
    to_sign = call(ada.post("/v1/roles", json=role)).json()
    assert to_sign["administrators"] == 1
    said = [world.people["ada"].assert_(to_sign["statement"]).model_dump(mode="json")]
    fact = call(ada.post("/v1/roles", json={**role, "assertions": said})).json()["fact"]
    assert world.log.kept[-1].digest == fact
    assert world.log.roles(role["person"], "demo") == {"data-scientist"}


def test_a_role_that_approves_takes_two_different_administrators(world: World, ada: httpx.Client) -> None:
    role = {"person": world.people["dana"].person, "role": "approver"}
    statement = call(ada.post("/v1/roles", json=role)).json()["statement"]
    by = {name: world.people[name].assert_(statement).model_dump(mode="json") for name in ("ada", "grace")}
    for said in ([by["ada"]], [by["ada"], by["ada"]]):
        answer = ada.post("/v1/roles", json={**role, "assertions": said})
        assert (answer.status_code, answer.json()["title"]) == (403, "NotEnoughAdministrators")
    assert ada.post("/v1/roles", json={**role, "assertions": list(by.values())}).status_code == 200
    assert world.log.roles(role["person"], "demo") == {"approver"}


def test_what_was_said_once_cannot_be_said_again_after_it_ended(world: World, ada: httpx.Client) -> None:
    role = {"person": world.people["dana"].person, "role": "data-scientist"}

    def said(body: dict[str, Any]) -> dict[str, Any]:
        statement = call(ada.post("/v1/roles", json=body)).json()["statement"]
        return {**body, "assertions": [world.people["ada"].assert_(statement).model_dump(mode="json")]}

    granted, ended = said(role), None
    call(ada.post("/v1/roles", json=granted))
    ended = said({**role, "ended": True})
    call(ada.post("/v1/roles", json=ended))
    assert world.log.roles(role["person"], "demo") == frozenset()
    answer = ada.post("/v1/roles", json=granted)
    assert (answer.status_code, answer.json()["title"]) == (422, "SignatureInvalid")
    assert world.log.roles(role["person"], "demo") == frozenset()


def test_somebody_who_is_no_administrator_says_nothing(world: World, ada: httpx.Client) -> None:
    role = {"person": world.people["amir"].person, "role": "viewer"}
    statement = call(ada.post("/v1/roles", json=role)).json()["statement"]
    said = [world.people["dana"].assert_(statement).model_dump(mode="json")]
    assert ada.post("/v1/roles", json={**role, "assertions": said}).status_code == 403


def test_a_new_person_is_bound_by_two_administrators_and_can_log_in(world: World, ada: httpx.Client) -> None:
    terms = world.credential_terms("amir")
    statement = call(ada.post("/v1/credentials", json=terms)).json()["statement"]
    by = [world.people[name].assert_(statement).model_dump(mode="json") for name in ("ada", "grace")]
    assert ada.post("/v1/credentials", json={**terms, "assertions": by[:1]}).status_code == 403
    call(ada.post("/v1/credentials", json={**terms, "assertions": by}))
    assert world.log_in("amir").person == terms["person"]


def test_a_passkey_with_the_id_of_another_persons_is_bound_to_nobody(world: World, ada: httpx.Client) -> None:
    """Whose passkey signs in is known by its id: with two holders, neither would get in any more."""
    terms = world.credential_terms("amir") | {"credential_id": world.people["dana"].credential.credential_id}
    statement = call(ada.post("/v1/credentials", json=terms)).json()["statement"]
    by = [world.people[name].assert_(statement).model_dump(mode="json") for name in ("ada", "grace")]
    answer = ada.post("/v1/credentials", json={**terms, "assertions": by})
    assert (answer.status_code, answer.json()["title"]) == (409, "CredentialTaken")
