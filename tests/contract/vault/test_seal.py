"""The seal: closed storage answers nothing, opens with its own key only, and keeps everything over a restart."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from assay.errors import Conflict, Forbidden, ServiceError, Unavailable
from assay.vault.admin import VaultAdmin
from assay.vault.client import VaultClient
from assay.vault.configure import configure
from assay.vault.errors import LoginEnded, VaultRefused
from assay.vault.layout import standard
from assay_laptop.platform.addresses import free_ports
from assay_laptop.vault.listener import make_listener
from tests.contract.vault.world import TRUST_DOMAIN, Running


@pytest.fixture
def stranger(vault: Running) -> VaultAdmin:
    return VaultAdmin(vault.how.url, vault.how.ca_path)


def test_it_is_initialised_once(stranger: VaultAdmin, vault: Running) -> None:
    status = stranger.seal_status()
    assert (status.initialized, status.sealed) == (True, False)
    with pytest.raises(Conflict):
        stranger.initialise()


def test_sealed_it_answers_nothing_until_its_own_key_opens_it(stranger: VaultAdmin, vault: Running) -> None:
    ledger = vault.as_service("ledger")
    public = ledger.public_key("log")
    vault.admin.seal()
    assert stranger.seal_status().sealed
    for ask in (
        lambda: ledger.sign("log", b"x"),
        ledger.ca_pem,
        lambda: stranger.become_root(vault.unseal_key),
    ):
        with pytest.raises(Unavailable):
            ask()
    for wrong in ("00" * 32, "nonsense"):
        with pytest.raises(VaultRefused):
            stranger.unseal(wrong)
    stranger.unseal(vault.unseal_key)
    assert ledger.public_key("log") == public


def test_a_restart_keeps_keys_roles_the_root_and_logins(stranger: VaultAdmin, vault: Running) -> None:
    ingestion = vault.as_service("ingestion")
    ingestion.create_key("batch-demo-kept", "aes256-gcm96")
    sealed = ingestion.encrypt("batch-demo-kept", b"kept", context=b"c")
    before = (
        ingestion.ca_pem(),
        vault.as_service("ledger").public_key("log"),
        vault.admin.vault().role_id("opa"),
    )
    role_id, wrapped = vault.wrapped("tracking")
    vault.restart()
    with pytest.raises(Unavailable):
        ingestion.ca_pem()
    stranger.unseal(vault.unseal_key)
    after = (
        ingestion.ca_pem(),
        vault.as_service("ledger").public_key("log"),
        vault.admin.vault().role_id("opa"),
    )
    assert after == before
    assert ingestion.decrypt("batch-demo-kept", sealed, context=b"c") == b"kept"
    login = VaultClient.login(
        url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, wrapped_secret_id=wrapped
    )
    login.close()
    ingestion.delete_key("batch-demo-kept")


def test_configuring_twice_changes_nothing(vault: Running) -> None:
    before = (vault.admin.vault().ca_pem(), vault.as_service("registry").public_key("model-signing"))
    configure(vault.admin, TRUST_DOMAIN, standard())
    after = (vault.admin.vault().ca_pem(), vault.as_service("registry").public_key("model-signing"))
    assert after == before


def test_the_unseal_key_makes_a_root_token_that_ends_with_its_block(
    stranger: VaultAdmin, vault: Running
) -> None:
    with stranger.root(vault.unseal_key):
        token = stranger.client.token
        assert stranger.vault().public_key("log")
    assert not stranger.client.token
    stranger.client.token = token
    with pytest.raises(LoginEnded):
        stranger.vault().public_key("log")


def test_no_root_token_comes_without_the_unseal_key(stranger: VaultAdmin, vault: Running) -> None:
    for wrong in ("00" * 32, vault.unseal_key[:-2] + ("00" if vault.unseal_key[-2:] != "00" else "11")):
        with pytest.raises(ServiceError):
            stranger.become_root(wrong)
    with pytest.raises(Forbidden):
        stranger.vault()


def test_an_attempt_somebody_left_behind_does_not_lock_administration_out(
    stranger: VaultAdmin, vault: Running
) -> None:
    stranger.client.adapter.put("/v1/sys/generate-root/attempt", json={})
    with stranger.root(vault.unseal_key):
        assert stranger.vault().public_key("log")


def test_nothing_in_the_storage_is_readable_without_the_key(vault: Running) -> None:
    ingestion = vault.as_service("ingestion")
    secrets = [
        vault.admin.vault().role_id("ledger"),
        str(ingestion._client.token),
        "capabilities",
        "spiffe://",
        "BEGIN CERTIFICATE",
        vault.unseal_key,
    ]
    stored = b"".join(path.read_bytes() for path in vault.storage.rglob("*") if path.is_file())
    assert len(stored) > 1000
    assert [each for each in secrets if each.encode() in stored] == []


def test_only_tls_1_3_and_only_the_listeners_own_certificate_will_do(vault: Running, tmp_path: Path) -> None:
    host, port = vault.how.url.removeprefix("https://").split(":")
    old = ssl.create_default_context(cafile=vault.how.ca_path)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((host, int(port))) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(plain, server_hostname="localhost")
    with pytest.raises(Unavailable):
        VaultAdmin(vault.how.url, make_listener(tmp_path).certificate).seal_status()


def test_the_environment_sends_nobody_elsewhere(vault: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("VAULT_TOKEN", "hvs.of-somebody-else")
    stranger = VaultAdmin(vault.how.url, vault.how.ca_path)
    assert not stranger.seal_status().sealed
    assert not stranger.client.token


def test_the_built_in_server_says_what_it_is_at_every_start(vault: Running) -> None:
    said = vault.log.read_text()
    assert ("built-in development Vault" in said) == (vault.how.program.executable is None)


def test_where_nobody_listens_vault_is_unavailable(vault: Running) -> None:
    nobody = VaultAdmin(f"https://127.0.0.1:{free_ports(1)[0]}", vault.how.ca_path)
    with pytest.raises(Unavailable):
        nobody.seal_status()
    with pytest.raises(Unavailable):
        VaultClient.login(
            url=nobody.client.url, ca_path=vault.how.ca_path, role_id="x", wrapped_secret_id="hvs.x"
        )
