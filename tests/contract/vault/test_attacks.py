"""Vault's own doors, on both Vaults: nobody gets in beside the one login we use, and nobody in the way stays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import hvac
import pytest
import requests

from assay.vault.session import connect
from tests.contract.vault.world import Running

SHUT = {400, 403, 404, 405, 412, 501}
REGISTRYS = "fact-approval"  # a key of the registry's
WITHOUT_A_TOKEN: tuple[tuple[str, str], ...] = (
    *(("GET", path) for path in ("sys/mounts", "sys/auth", "sys/policy", "sys/policies/acl", "sys/audit")),
    *(("GET", path) for path in ("sys/raw/core/keyring", "sys/config/state/sanitized", "sys/host-info")),
    *(
        ("GET", path)
        for path in ("sys/plugins/catalog", "sys/leases/lookup", "sys/key-status", "sys/metrics")
    ),
    *(("GET", path) for path in ("auth/token/lookup-self", "auth/token/accessors", "identity/entity/id")),
    *(("GET", path) for path in ("transit/keys/log", "transit/export/signing-key/log", "transit/backup/log")),
    *(("PUT", path) for path in ("sys/seal", "sys/step-down", "sys/rotate", "sys/audit/file", "sys/init")),
    *(("PUT", path) for path in ("sys/mounts/mine", "sys/auth/userpass", "sys/policy/root", "sys/raw/x")),
    *(("PUT", path) for path in ("sys/plugins/catalog/auth/mine", "sys/leases/revoke-prefix/auth")),
    *(("PUT", path) for path in ("auth/token/create", "auth/token/create-orphan", "transit/sign/log")),
    *(("PUT", path) for path in ("auth/approle/role/ledger", "auth/approle/role/ledger/secret-id")),
    *(("PUT", path) for path in ("pki/root/generate/internal", "pki/sign/ledger", "pki/config/ca")),
    *(("DELETE", path) for path in ("sys/mounts/transit", "sys/policy/ledger", "transit/keys/log")),
)
OTHER_LOGINS: Mapping[str, dict[str, Any]] = {
    "aws": {"role": "ledger", "iam_http_request_method": "POST", "iam_request_url": "aHR0cHM6Ly9ldmls"},
    "gcp": {"role": "ledger", "jwt": "e30.e30."},
    "jwt": {"role": "ledger", "jwt": "e30.e30."},
    "kubernetes": {"role": "ledger", "jwt": "e30.e30."},
    "cert": {"name": "ledger"},
    "github": {"token": "x"},
    "userpass/login/root": {"password": "root"},
    "ldap/login/root": {"password": ""},
    "azure": {"role": "ledger", "jwt": "e30.e30."},
    "approle": {"role_id": "", "secret_id": ""},
    "approle/": {"role_id": "ledger", "secret_id": "ledger"},
}
BENT = (
    "transit/sign/log/../{key}",
    "transit/sign/log/%2e%2e/{key}",
    "transit/sign/log/..%2f{key}",
    "transit//sign/{key}",
    "/transit/sign/{key}",
    "transit/sign/{key}/",
    "transit/./sign/{key}",
    "TRANSIT/sign/{key}",
    "transit/sign/log%00/../{key}",
    "transit/sign/{key}?path=transit/sign/log",
    "transit/sign/log;/../{key}",
)


@pytest.fixture
def nobody(vault: Running) -> Iterator[hvac.Client]:
    """A connection without a login."""
    client = connect(vault.how.url, vault.how.ca_path)
    yield client
    client.session.close()


def asks(
    client: hvac.Client, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
) -> requests.Response:
    """Send one request as it stands: no path is tidied on this side."""
    prepared = client.session.prepare_request(
        requests.Request(method, client.url, json=body, headers=headers)
    )
    prepared.url = f"{client.url}/v1/{path}"
    answer: requests.Response = client.session.send(prepared, allow_redirects=False, timeout=30)
    return answer


@pytest.mark.threat("T-IAM-04")
def test_without_a_login_nothing_of_vault_answers(
    nobody: hvac.Client, attempts: Callable[[int], None]
) -> None:
    answers = {(m, p): asks(nobody, m, p, {} if m == "PUT" else None) for m, p in WITHOUT_A_TOKEN}
    assert {
        each: answer.status_code for each, answer in answers.items() if answer.status_code not in SHUT
    } == {}
    attempts(len(answers))


@pytest.mark.threat("T-IAM-04")
def test_there_is_no_other_door_than_the_one_login(
    nobody: hvac.Client, attempts: Callable[[int], None]
) -> None:
    for door, body in OTHER_LOGINS.items():
        path = f"auth/{door}" if "/login/" in door else f"auth/{door}/login"
        answer = asks(nobody, "PUT", path, body)
        assert answer.status_code >= 300, door  # a real Vault sends bent paths on to tidy ones
        assert "client_token" not in answer.text
    attempts(len(OTHER_LOGINS))


def signs(vault: Running, login: str, path: str, **headers: str) -> bool:
    """Say whether a login gets a signature at a path."""
    client = vault.as_service(login)._client
    token = {"X-Vault-Token": str(client.token)}
    answer = asks(client, "PUT", path.format(key=REGISTRYS), {"input": "eA=="}, **token | headers)
    return answer.status_code == 200 and "vault:v" in answer.text


@pytest.mark.threat("T-IAM-04")
def test_no_bent_path_leads_to_anothers_key(vault: Running, attempts: Callable[[int], None]) -> None:
    assert [path for path in BENT if signs(vault, "ledger", path)] == []
    attempts(len(BENT))


@pytest.mark.threat("T-IAM-04")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Vault-Namespace": "root"},
        {"X-Vault-Namespace": "../"},
        {"X-Vault-Policy-Override": "true"},
        {"X-Vault-Wrap-TTL": "60s"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer root"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_makes_a_login_another(vault: Running, headers: dict[str, str]) -> None:
    assert not signs(vault, "ledger", "transit/sign/{key}", **headers)


@pytest.mark.threat("T-IAM-04")
@pytest.mark.parametrize("attempt", ["sys/generate-root/attempt", "sys/rekey/init"])
def test_an_attempt_anybody_may_begin_stops_neither_services_nor_the_administrator(
    vault: Running, nobody: hvac.Client, attempt: str
) -> None:
    """Making a root token and changing the unseal key begin without a login, so that strangers can be in the way."""
    body = {"secret_shares": 1, "secret_threshold": 1} if "rekey" in attempt else {}
    for _ in range(3):
        asks(nobody, "PUT", attempt, body)
    guess = asks(nobody, "PUT", "sys/generate-root/update", {"key": "0" * 64, "nonce": "x"})
    assert guess.status_code in SHUT
    assert vault.as_service("ledger").sign("log", b"x")
    before = vault.admin.client.token
    try:
        vault.admin.become_root(vault.unseal_key)
        assert vault.admin.vault().public_key("log")
        vault.admin.revoke()
    finally:
        vault.admin.client.token = before
        asks(nobody, "DELETE", attempt)


@pytest.mark.control("T-IAM-04")
def test_control_with_the_administrators_token_the_same_requests_answer(vault: Running) -> None:
    client = vault.admin.client
    token = {"X-Vault-Token": str(client.token)}
    answered = [
        path
        for method, path in WITHOUT_A_TOKEN
        if method == "GET" and asks(client, method, path, None, **token).status_code == 200
    ]
    assert len(answered) >= 3
    assert {"sys/mounts", "transit/keys/log"} <= set(answered)


@pytest.mark.control("T-IAM-04")
def test_control_a_login_whose_policy_names_the_key_signs_with_it(vault: Running) -> None:
    assert signs(vault, "registry", "transit/sign/{key}")
