"""Putting the layout into a Vault. Every step may be repeated: what is there stays, what differs is set right."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import hvac

from assay.errors import NotFound
from assay.identity.certificates import BACKDATED
from assay.vault.admin import VaultAdmin
from assay.vault.errors import translated
from assay.vault.layout import (
    LAUNCHER,
    ROOT_SECONDS,
    SESSION_POLICY,
    WRAPPING_SECONDS,
    Layout,
    PkiRole,
)

ROOT_TERMS: Mapping[str, Any] = MappingProxyType(
    {
        "ttl": f"{ROOT_SECONDS}s",
        "key_type": "ec",
        "key_bits": 256,
        "exclude_cn_from_sans": True,
        # People put this root into their browsers: it may speak for no host name but this machine's own.
        "permitted_dns_domains": "localhost",
    }
)
"""How a root of the PKI is made, the first and every later one."""


def configure(admin: VaultAdmin, trust_domain: str, layout: Layout) -> None:
    """Make mounts, the PKI's root, roles, policies, logins and keys; `admin` has a root token in hand."""
    client = admin.client
    with translated():
        _enable_mounts(client)
        _ensure_root(admin, trust_domain)
        for role in layout.pki_roles:
            client.secrets.pki.create_or_update_role(role.name, _pki_role(role, trust_domain, layout))
        for name in (SESSION_POLICY, *layout.logins):
            client.sys.create_or_update_policy(name, layout.policy(name))
        for login in layout.logins:
            client.auth.approle.create_or_update_approle(login, **_login(login, layout))
    vault = admin.vault()
    for key, kind in layout.keys.items():
        vault.create_key(key, kind)


def _enable_mounts(client: hvac.Client) -> None:
    mounted = client.sys.list_mounted_secrets_engines()["data"]
    if "pki/" not in mounted:
        client.sys.enable_secrets_engine("pki", config={"max_lease_ttl": f"{ROOT_SECONDS}s"})
    if "transit/" not in mounted:
        client.sys.enable_secrets_engine("transit")
    if "approle/" not in client.sys.list_auth_methods()["data"]:
        client.sys.enable_auth_method("approle")


def _ensure_root(admin: VaultAdmin, trust_domain: str) -> None:
    """Make the root once: a second one would leave every certificate of the first without its issuer."""
    try:
        admin.vault().ca_pem()
    except NotFound:
        admin.client.secrets.pki.generate_root("internal", trust_domain, dict(ROOT_TERMS))


def _pki_role(role: PkiRole, trust_domain: str, layout: Layout) -> dict[str, Any]:
    """Return a role that certifies these identities by CSR and looks at nothing the CSR asks for."""
    return {
        "allowed_uri_sans": f"spiffe://{trust_domain}{role.path}",
        "allow_localhost": role.server,
        "allow_ip_sans": role.server,
        "allow_any_name": False,
        "allow_bare_domains": False,
        "allow_subdomains": False,
        "allow_wildcard_certificates": False,
        "use_csr_common_name": False,
        "use_csr_sans": False,
        "require_cn": False,
        "key_type": "ec",
        "key_bits": 256,
        "key_usage": ["DigitalSignature"],
        "server_flag": role.server,
        "client_flag": True,
        "basic_constraints_valid_for_non_ca": True,
        "not_before_duration": f"{BACKDATED.total_seconds():.0f}s",
        "ttl": f"{layout.certificate_seconds}s",
        "max_ttl": f"{layout.certificate_seconds}s",
        "no_store": True,
        "generate_lease": False,
    }


def _login(name: str, layout: Layout) -> dict[str, Any]:
    """Return a login that works once, within its wrapping's life; the launcher's alone is kept."""
    kept = name == LAUNCHER
    return {
        "token_policies": [name, SESSION_POLICY],
        "token_no_default_policy": True,
        "token_period": f"{layout.token_seconds}s",
        "bind_secret_id": True,
        "secret_id_num_uses": 0 if kept else 1,
        "secret_id_ttl": "0s" if kept else f"{WRAPPING_SECONDS}s",
    }
