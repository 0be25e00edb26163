"""Logins: wrapped, single-use, ended when closed; a stolen one is noticed."""

from __future__ import annotations

import threading

import pytest

from assay.errors import Forbidden, NotFound, ServiceError
from assay.vault.client import VaultClient
from assay.vault.errors import LoginEnded, LoginRefused
from tests.contract.vault.world import Running


def test_a_wrapped_secret_id_logs_in_once(vault: Running) -> None:
    role_id, wrapped = vault.wrapped("ledger")
    login = VaultClient.login(
        url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, wrapped_secret_id=wrapped
    )
    assert login.alive
    assert len(login.sign("log", b"x")) == 64
    with pytest.raises(LoginRefused):
        VaultClient.login(
            url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, wrapped_secret_id=wrapped
        )
    login.close()


def test_of_many_who_race_for_one_wrapped_secret_id_one_gets_it(vault: Running) -> None:
    role_id, wrapped = vault.wrapped("ledger")
    won: list[VaultClient] = []
    lost: list[ServiceError] = []  # LoginRefused, or Unavailable: a real Vault may answer a loser with a 500

    def race() -> None:
        try:
            won.append(
                VaultClient.login(
                    url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, wrapped_secret_id=wrapped
                )
            )
        except ServiceError as refusal:
            lost.append(refusal)

    racers = [threading.Thread(target=race) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert (len(won), len(lost)) == (1, 3)
    won[0].close()


def test_an_unwrapped_secret_id_of_a_service_logs_in_once(vault: Running) -> None:
    secret_id = vault.admin.new_secret_id("ledger")
    role_id = vault.admin.vault().role_id("ledger")
    for attempt in range(2):
        try:
            VaultClient.login_with_secret(
                url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, secret_id=secret_id
            ).close()
        except LoginRefused:
            assert attempt == 1
        else:
            assert attempt == 0


@pytest.mark.parametrize("wrong", ["hvs.nonsense", "", "s.x"])
def test_a_made_up_wrapped_secret_id_is_refused(vault: Running, wrong: str) -> None:
    with pytest.raises(Forbidden):
        VaultClient.login(url=vault.how.url, ca_path=vault.how.ca_path, role_id="x", wrapped_secret_id=wrong)


def test_a_secret_id_does_not_log_another_role_in(vault: Running) -> None:
    _, wrapped = vault.wrapped("tracking")
    with pytest.raises(LoginRefused):
        VaultClient.login(
            url=vault.how.url,
            ca_path=vault.how.ca_path,
            role_id=vault.admin.vault().role_id("registry"),
            wrapped_secret_id=wrapped,
        )


def test_a_closed_login_is_over_at_vault_too(vault: Running) -> None:
    login = vault.log_in("ledger")
    token = login._client.token
    login.close()
    login._client.token = token
    with pytest.raises(LoginEnded):
        login.sign("log", b"x")


def test_a_login_that_was_revoked_elsewhere_knows_it_at_the_next_call(vault: Running) -> None:
    login = vault.log_in("ledger")
    login._client.auth.token.revoke_self()
    before = login.alive
    with pytest.raises(LoginEnded):
        login.sign("log", b"x")
    assert (before, login.alive) == (True, False)
    login.close()


def test_whoever_asked_is_told_once_that_a_login_ended_and_at_once_when_it_has(vault: Running) -> None:
    login = vault.log_in("ledger")
    told: list[str] = []
    login.on_loss(lambda: told.append("before"))
    login._client.auth.token.revoke_self()
    for _ in range(2):
        with pytest.raises(LoginEnded):
            login.sign("log", b"x")
    login.on_loss(lambda: told.append("after"))
    assert told == ["before", "after"]
    login.close()


def test_an_ended_login_is_noticed_without_a_call_of_its_own(vault: Running) -> None:
    login = vault.log_in("ledger")
    told = threading.Event()
    login.on_loss(told.set)
    login._client.auth.token.revoke_self()
    assert told.wait(60)
    login.close()


def test_identity_ends_the_logins_of_one_identity_and_no_others(vault: Running) -> None:
    serving, identity = vault.as_service("serving"), vault.as_service("identity")
    predictors = [
        VaultClient.login(
            url=vault.how.url,
            ca_path=vault.how.ca_path,
            role_id=serving.role_id("predictor-prod"),
            wrapped_secret_id=serving.wrap_secret_id(
                "predictor-prod", identity=f"/svc/prod/predictor/{name}"
            ),
        )
        for name in ("credit", "fraud")
    ]
    tracking = vault.log_in("tracking")
    whose = identity.logins()
    assert set(whose.values()) >= {
        *("/svc/prod/predictor/credit", "/svc/prod/predictor/fraud"),
        *("/svc/core/tracking", "/svc/core/identity"),
    }
    ended = [each for each, path in whose.items() if path == "/svc/prod/predictor/credit"]
    for accessor in [*ended, *ended]:  # again is no error
        identity.end_login(accessor)
    with pytest.raises(LoginEnded):
        predictors[0].sign("fact-journal-prod", b"x")
    assert predictors[1].sign("fact-journal-prod", b"x")
    assert tracking.ca_pem()
    for login in (*predictors, tracking):
        login.close()


def test_a_login_can_be_renewed_for_as_long_as_its_period(vault: Running) -> None:
    login = vault.as_service("ledger")
    renewed = login._client.auth.token.renew_self()["auth"]
    assert renewed["renewable"]
    assert renewed["lease_duration"] == 3600
    found = login._client.auth.token.lookup_self()["data"]
    assert 0 < found["ttl"] <= 3600
    assert set(found["policies"]) == {"ledger", "session"}


def test_the_launcher_logs_in_again_and_again_and_mints_logins_that_work(vault: Running) -> None:
    role_id = vault.admin.vault().role_id("launcher")
    secret_id = vault.admin.new_secret_id("launcher")
    for service in ("ledger", "serving"):
        launcher = VaultClient.login_with_secret(
            url=vault.how.url, ca_path=vault.how.ca_path, role_id=role_id, secret_id=secret_id
        )
        part = VaultClient.login(
            url=vault.how.url,
            ca_path=vault.how.ca_path,
            role_id=launcher.role_id(service),
            wrapped_secret_id=launcher.wrap_secret_id(service),
        )
        launcher.close()
        assert part.role_id("predictor-dev") if service == "serving" else part.sign("log", b"x")
        part.close()


def test_serving_mints_a_predictors_login(vault: Running) -> None:
    serving = vault.as_service("serving")
    predictor = VaultClient.login(
        url=vault.how.url,
        ca_path=vault.how.ca_path,
        role_id=serving.role_id("predictor-prod"),
        wrapped_secret_id=serving.wrap_secret_id("predictor-prod"),
    )
    assert predictor.sign("fact-journal-prod", b"x")
    predictor.close()


def test_no_secret_shows_in_how_a_login_prints(vault: Running) -> None:
    login = vault.as_service("ledger")
    assert str(login._client.token) not in f"{login!r} {login} {vault.admin!r}"


def test_a_role_that_is_not_there_is_not_found(vault: Running) -> None:
    admin = vault.admin.vault()
    with pytest.raises(NotFound):
        admin.role_id("nobody")
    with pytest.raises(NotFound):
        admin.wrap_secret_id("nobody")


def test_many_threads_share_one_login(vault: Running) -> None:
    login = vault.as_service("ledger")
    made: list[bytes] = []

    def sign() -> None:
        made.extend(login.sign("log", b"x") for _ in range(10))

    threads = [threading.Thread(target=sign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 80
