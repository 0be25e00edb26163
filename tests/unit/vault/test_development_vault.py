"""What the core suite cannot show on a running server: the passing of time, and what the server does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assay.vault.configure import _pki_role
from assay.vault.layout import PkiRole, standard
from assay_laptop.vault.server.core import DevelopmentVault
from tests.support.certificate_requests import request_for

POLICY = """
path "transit/sign/k" { capabilities = ["update"] }
path "auth/token/renew-self" { capabilities = ["update"] }
"""
ROLE = {
    "token_policies": ["p", "missing"],
    "token_no_default_policy": True,
    "token_period": 60,
    "bind_secret_id": True,
    "secret_id_num_uses": 1,
    "secret_id_ttl": "100s",
}
SIGN = {"input": "eA=="}


@dataclass
class Lab:
    """A development Vault in a folder, whose clock the test turns."""

    folder: Path
    now: float = 1_000_000.0
    root: str = ""
    vault: DevelopmentVault = field(init=False)

    def __post_init__(self) -> None:
        self.vault = DevelopmentVault(self.folder, lambda: self.now)
        _, made = self.ask("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.root = made["root_token"]
        self.ask("PUT", "sys/unseal", {"key": made["keys"][0]})
        for path, body in (
            ("sys/mounts/transit", {"type": "transit"}),
            ("sys/mounts/pki", {"type": "pki"}),
            ("sys/auth/approle", {"type": "approle"}),
            ("sys/policy/p", {"policy": POLICY}),
            ("auth/approle/role/r", ROLE),
            ("transit/keys/k", {"type": "ed25519"}),
        ):
            status, answer = self.ask("POST", path, body, self.root)
            assert status in {200, 204}, answer

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = "", wrap: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Return status and body of one call."""
        headers = {"x-vault-token": token, "x-vault-wrap-ttl": wrap}
        content = json.dumps(body).encode() if body is not None else b""
        response = self.vault.respond(method, f"/v1/{path}", headers, content)
        return response.status, json.loads(response.body) if response.body else {}

    def secret_id(self) -> str:
        """Return a secret id of role `r`."""
        _, made = self.ask("POST", "auth/approle/role/r/secret-id", {}, self.root)
        found: str = made["data"]["secret_id"]
        return found

    def log_in(self, secret_id: str) -> tuple[int, str]:
        """Return the status of a login, and its token."""
        _, role = self.ask("GET", "auth/approle/role/r/role-id", None, self.root)
        body = {"role_id": role["data"]["role_id"], "secret_id": secret_id}
        status, answer = self.ask("POST", "auth/approle/login", body)
        return status, answer["auth"]["client_token"] if status == 200 else ""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.vault.close()


def test_a_login_ends_with_its_period_unless_renewed(lab: Lab) -> None:
    _, token = lab.log_in(lab.secret_id())
    for _ in range(3):
        lab.now += 59
        assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 200
        assert lab.ask("POST", "auth/token/renew-self", {}, token)[0] == 200
    lab.now += 60
    assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 403
    assert lab.ask("POST", "auth/token/renew-self", {}, token)[0] == 403


def test_a_secret_id_that_was_not_used_in_time_is_worth_nothing(lab: Lab) -> None:
    early, late = lab.secret_id(), lab.secret_id()
    lab.now += 99
    assert lab.log_in(early)[0] == 200
    lab.now += 1
    assert lab.log_in(late)[0] == 400


def test_a_wrapping_that_was_not_opened_in_time_is_worth_nothing(lab: Lab) -> None:
    wrapped = [
        lab.ask("POST", "auth/approle/role/r/secret-id", {}, lab.root, "10s")[1]["wrap_info"]["token"]
        for _ in range(2)
    ]
    lab.now += 9
    assert lab.ask("POST", "sys/wrapping/unwrap", {}, wrapped[0])[0] == 200
    lab.now += 1
    assert lab.ask("POST", "sys/wrapping/unwrap", {}, wrapped[1])[0] == 400


def test_a_wrapping_token_does_nothing_but_unwrap(lab: Lab) -> None:
    made = lab.ask("POST", "auth/approle/role/r/secret-id", {}, lab.root, "10s")[1]
    assert made["data"] is None
    token = made["wrap_info"]["token"]
    assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 403
    assert lab.ask("GET", "auth/token/lookup-self", None, token)[0] == 403


def test_what_has_expired_leaves_the_storage(lab: Lab) -> None:
    before = len(list((lab.folder / "entries").iterdir()))
    for _ in range(5):
        lab.log_in(lab.secret_id())
        lab.secret_id()
    lab.now += 1000
    lab.secret_id()
    _, token = lab.log_in(lab.secret_id())
    assert token
    assert len(list((lab.folder / "entries").iterdir())) <= before + 2


def test_a_root_token_does_not_end_by_itself(lab: Lab) -> None:
    lab.now += 10 * 365 * 86400
    assert lab.ask("POST", "transit/sign/k", SIGN, lab.root)[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("transit/keys/new", {"type": "ed25519", "exportable": True}),
        ("transit/keys/new", {"type": "aes256-gcm96", "derived": True}),
        ("transit/keys/new", {"type": "rsa-2048"}),
        ("transit/keys/k/config", {"exportable": True}),
        ("transit/sign/k", {"input": "eA==", "prehashed": True}),
        ("transit/sign/k", {"input": "eA==", "hash_algorithm": "sha1"}),
        ("transit/sign/k", {"input": "not base64"}),
        ("transit/sign/k", {}),
        ("auth/approle/role/r", ROLE | {"token_max_ttl": "1h"}),
        ("auth/approle/role/r", ROLE | {"token_policies": "p,root"}),
        ("auth/approle/role/r", ROLE | {"token_no_default_policy": False}),
        ("auth/approle/role/r", ROLE | {"token_period": 0}),
        ("auth/approle/role/r/secret-id", {"num_uses": 5}),
        ("pki/roles/r", {"allowed_uri_sans": "spiffe://x/y"}),
        ("pki/roles/r", {"allow_any_name": True}),
        ("pki/root/generate/internal", {"common_name": "x", "key_type": "rsa", "key_bits": 2048}),
        ("sys/mounts/kv", {"type": "kv"}),
        ("sys/mounts/elsewhere", {"type": "transit"}),
        ("sys/policy/root", {"policy": POLICY}),
        ("sys/policy/q", {"policy": 'path "x" { capabilities = ["fly"] }'}),
        ("sys/init", {"secret_shares": 1, "secret_threshold": 1}),
    ],
)
def test_what_it_does_not_do_it_refuses_and_never_ignores(lab: Lab, path: str, body: dict[str, Any]) -> None:
    assert lab.ask("POST", path, body, lab.root)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "transit/export/signing-key/k", 404),
        ("LIST", "transit/keys", 404),
        ("GET", "nowhere", 404),
        ("POST", "pki/issue/r", 404),
        ("BREW", "transit/keys/k", 405),
    ],
)
def test_a_path_it_does_not_know_is_not_found(lab: Lab, method: str, path: str, status: int) -> None:
    assert lab.ask(method, path, None, lab.root)[0] == status
    assert lab.ask(method, path)[0] in {403, 405}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(lab: Lab, body: bytes) -> None:
    response = lab.vault.respond("POST", "/v1/transit/sign/k", {"x-vault-token": lab.root}, body)
    assert response.status == 400


def test_nobody_calls_without_a_token_or_with_a_made_up_one(lab: Lab) -> None:
    for token in ("", "hvs.nonsense", "root"):
        assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 403


def test_a_policy_that_does_not_exist_allows_nothing(lab: Lab) -> None:
    lab.ask("POST", "auth/approle/role/r", ROLE | {"token_policies": ["missing"]}, lab.root)
    _, token = lab.log_in(lab.secret_id())
    assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 403


def test_a_changed_policy_counts_for_logins_that_exist(lab: Lab) -> None:
    _, token = lab.log_in(lab.secret_id())
    lab.ask(
        "PUT", "sys/policy/p", {"policy": 'path "transit/sign/other" { capabilities = ["update"] }'}, lab.root
    )
    assert lab.ask("POST", "transit/sign/k", SIGN, token)[0] == 403


def test_there_is_one_root_certificate(lab: Lab) -> None:
    body = {"common_name": "x", "key_type": "ec", "key_bits": 256, "ttl": "100s"}
    assert lab.ask("POST", "pki/root/generate/internal", body, lab.root)[0] == 200
    assert lab.ask("POST", "pki/root/generate/internal", body, lab.root)[0] == 400


ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "9" * 5000,
    "\x00",
    [],
    [None],
    ["x", 1],
    {},
    {"x": {}},
)
PKI_ROLE: dict[str, Any] = _pki_role(PkiRole("r", "/run/*"), "assay.test", standard()) | {"name": "r"}
WELL_FORMED: dict[str, dict[str, Any]] = {
    "auth/approle/role/r": ROLE,
    "auth/approle/login": {"role_id": "x", "secret_id": "x"},
    "pki/root/generate/internal": {"common_name": "x", "key_type": "ec", "key_bits": 256, "ttl": "100s"},
    "pki/root/rotate/internal": {"common_name": "x", "key_type": "ec", "key_bits": 256, "ttl": "100s"},
    "pki/config/issuers": {"default": "x"},
    "auth/approle/role/r/secret-id": {"metadata": '{"a": "b"}'},
    "auth/token/lookup-accessor": {"accessor": "x"},
    "auth/token/revoke-accessor": {"accessor": "x"},
    "pki/roles/r": PKI_ROLE,
    "pki/sign/people": {
        "csr": request_for(),
        "common_name": "",
        "uri_sans": "spiffe://assay.test/run/x",
        "alt_names": "localhost",
        "ip_sans": "127.0.0.1",
        "ttl": "60s",
        "exclude_cn_from_sans": True,
    },
    "transit/keys/new": {"type": "ed25519", "key_size": 32},
    "transit/keys/k/config": {"deletion_allowed": True},
    "transit/sign/k": {"input": "eA==", "hash_algorithm": "sha2-256", "marshaling_algorithm": "asn1"},
    "transit/hmac/h": {"input": "eA==", "algorithm": "sha2-256"},
    "transit/encrypt/a": {"plaintext": "eA==", "associated_data": "eA=="},
    "transit/decrypt/a": {"ciphertext": "vault:v1:" + "eA==" * 20, "associated_data": "eA=="},
    "transit/datakey/plaintext/a": {"bits": 256},
    "sys/mounts/pki": {"type": "pki", "config": {}},
    "sys/auth/approle": {"type": "approle"},
    "sys/policy/q": {"policy": POLICY},
    "sys/unseal": {"key": "00"},
    "sys/generate-root/update": {"key": "00", "nonce": "x"},
}


def test_every_call_with_parameters_is_tried_with_odd_ones(lab: Lab) -> None:
    for route in lab.vault._routes:
        if route.takes and route.pattern != "sys/init":
            assert any(route.match("update", path) is not None for path in WELL_FORMED), route.pattern


@pytest.mark.parametrize("path", sorted(WELL_FORMED))
def test_an_odd_parameter_is_refused_and_breaks_nothing(lab: Lab, path: str) -> None:
    for name, kind in (("h", "hmac"), ("a", "aes256-gcm96")):
        lab.ask("POST", f"transit/keys/{name}", {"type": kind}, lab.root)
    lab.ask("POST", "pki/root/generate/internal", WELL_FORMED["pki/root/generate/internal"], lab.root)
    lab.ask("POST", "pki/roles/people", PKI_ROLE, lab.root)
    lab.ask("POST", "sys/generate-root/attempt", {})
    for name in WELL_FORMED[path]:
        for odd in ODD:
            status, answer = lab.ask("POST", path, WELL_FORMED[path] | {name: odd}, lab.root)
            assert status in {200, 204, 400, 403, 404}, (name, odd, answer)
    assert lab.ask("POST", "transit/sign/k", SIGN, lab.root)[0] == 200
