"""Everything one may try at Vault, by name: the calls of services, and what only an administrator does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assay.vault.client import VaultClient
from assay.vault.errors import translated
from assay.vault.layout import PkiRole, standard
from tests.contract.vault.world import TRUST_DOMAIN
from tests.support.certificate_requests import request_for

Action = Callable[[VaultClient], object]
MADE_BY = {"batch": "ingestion", "features": "features", "packages": "registry"}
"""Keys made while the platform runs, and who makes them."""


def every_action() -> Mapping[str, Action]:
    """Return all of them: the platform's own calls, then what only administrators do."""
    layout = standard()
    actions: dict[str, Action] = {}
    for key, kind in layout.keys.items():
        actions |= _OF_KIND.get(kind, _signing)(key)
    for role in layout.pki_roles:
        actions[f"certify {role.name}"] = _certify(role)
    for login in layout.logins:
        actions |= _bootstrapping(login)
    for prefix in MADE_BY:
        actions |= _on_keys_of(prefix)
    actions |= {
        "list logins": lambda vault: vault.logins(),
        "end a login": lambda vault: vault.end_login("no-such-accessor"),
    }
    return actions | _administration()


def _hmac(key: str) -> dict[str, Action]:
    return {f"hmac {key}": lambda vault: vault.hmac(key, b"x")}


def _signing(key: str) -> dict[str, Action]:
    return {
        f"sign {key}": lambda vault: vault.sign(key, b"x"),
        f"read {key}": lambda vault: vault.public_key(key),
    }


def _sealing(key: str) -> dict[str, Action]:
    return {
        f"encrypt {key}": lambda vault: vault.encrypt(key, b"x"),
        f"decrypt {key}": lambda vault: vault.decrypt(key, vault.encrypt(key, b"x")),
        f"look at {key}": _raw("get", f"transit/keys/{key}"),
        f"rotate {key}": _raw("post", f"transit/keys/{key}/rotate"),
        f"export {key}": _raw("get", f"transit/export/encryption-key/{key}"),
    }


_OF_KIND: Mapping[str, Callable[[str], dict[str, Action]]] = {"hmac": _hmac, "aes256-gcm96": _sealing}


def _certify(role: PkiRole) -> Action:
    uri = f"spiffe://{TRUST_DOMAIN}{role.path.replace('*', 'x')}"
    return lambda vault: vault.sign_csr(
        role.name, request_for(), uri=uri, ttl_seconds=60, loopback=role.server
    )


def _bootstrapping(login: str) -> dict[str, Action]:
    return {
        f"role-id {login}": lambda vault: vault.role_id(login),
        f"wrap {login}": lambda vault: vault.wrap_secret_id(login),
        f"bare {login}": _raw("post", f"auth/approle/role/{login}/secret-id"),
        f"long {login}": _raw("post", f"auth/approle/role/{login}/secret-id", wrap_ttl="86400s"),
    }


def _on_keys_of(kind: str) -> dict[str, Action]:
    key = f"{kind}-demo-x"
    return {
        f"create {kind}": lambda vault: vault.create_key(key, "aes256-gcm96"),
        f"encrypt {kind}": lambda vault: vault.encrypt(key, b"x"),
        f"decrypt {kind}": lambda vault: vault.decrypt(key, vault.encrypt(key, b"x")),
        f"delete {kind}": lambda vault: vault.delete_key(key),
        f"encrypt missing {kind}": lambda vault: vault.encrypt(f"{kind}-demo-missing", b"x"),
        f"rotate {kind}": _raw("post", f"transit/keys/{key}/rotate"),
        f"let {kind} be deleted": _body(f"transit/keys/{key}/config", {"deletion_allowed": True}),
        f"let {kind} be exported": _body(f"transit/keys/{key}/config", {"exportable": True}),
        f"end old versions of {kind}": _body(f"transit/keys/{key}/config", {"min_decryption_version": 1}),
        f"trim {kind}": _body(f"transit/keys/{key}/trim", {"min_available_version": 1}),
        f"create {kind} of another type": _body(f"transit/keys/{kind}-demo-other", {"type": "hmac"}),
        f"export {kind}": _raw("get", f"transit/export/encryption-key/{key}"),
        f"back up {kind}": _raw("get", f"transit/backup/{key}"),
    }


def _administration() -> dict[str, Action]:
    tried = (
        ("get", "sys/policy/ledger"),
        ("put", "sys/policy/ledger"),
        ("put", "sys/policies/acl/ledger"),
        ("get", "sys/mounts"),
        ("get", "sys/auth"),
        ("post", "sys/mounts/kv"),
        ("put", "sys/seal"),
        ("get", "sys/raw/core"),
        ("post", "auth/token/create"),
        ("post", "auth/token/lookup"),
        ("post", "auth/approle/role/ledger"),
        ("delete", "auth/approle/role/ledger"),
        ("post", "pki/roles/ledger"),
        ("post", "pki/root/generate/internal"),
        ("post", "pki/issue/ledger"),
        ("post", "pki/sign-verbatim/ledger"),
        ("delete", "pki/root"),
        ("post", "transit/keys/log/config"),
        ("post", "transit/keys/log/rotate"),
        ("delete", "transit/keys/log"),
        ("get", "transit/export/signing-key/log"),
        ("get", "transit/backup/log"),
        ("post", "transit/sign/log/sha2-256"),
        ("post", "transit/keys/fact-new"),
        ("get", "transit/keys"),
    )
    return {f"{method} {path}": _raw(method, path) for method, path in tried}


def _body(path: str, body: dict[str, object]) -> Action:
    def act(vault: VaultClient) -> object:
        with translated():
            return vault._client.adapter.post(f"/v1/{path}", json=body)

    return act


def _raw(method: str, path: str, **more: str) -> Action:
    def act(vault: VaultClient) -> object:
        body: dict[str, object] = {} if method in {"get", "delete"} else {"json": {}}
        with translated():
            return vault._client.adapter.request(method, f"/v1/{path}", **body, **more)

    return act
