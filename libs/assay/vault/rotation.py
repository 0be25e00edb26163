"""Replacing what Vault keeps: the PKI's root (two while it lasts) and the keys that encrypt.

An administrator's work, with a root token in hand; services have no right to any of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from assay.errors import Conflict
from assay.vault.admin import VaultAdmin
from assay.vault.configure import ROOT_TERMS
from assay.vault.errors import translated

_PKI = "/v1/pki"


@dataclass(frozen=True)
class Issuer:
    """One root of the PKI; `issues` where roles certify with it."""

    name: str
    key: str
    pem: str
    issues: bool

    @property
    def begins(self) -> datetime:
        """When it was made, in UTC."""
        return x509.load_pem_x509_certificate(self.pem.encode()).not_valid_before_utc


def issuers(admin: VaultAdmin) -> Sequence[Issuer]:
    """Return the PKI's roots, the issuing one first."""
    with translated():
        names = admin.client.adapter.get(f"{_PKI}/issuers/?list=true")["data"]["keys"]
        default = admin.client.adapter.get(f"{_PKI}/config/issuers")["data"]["default"]
        found = [admin.client.adapter.get(f"{_PKI}/issuer/{name}")["data"] for name in names]
    roots = [
        Issuer(
            one["issuer_id"], one["key_id"], f"{one['certificate'].strip()}\n", one["issuer_id"] == default
        )
        for one in found
    ]
    return sorted(roots, key=lambda root: not root.issues)


def add_issuer(admin: VaultAdmin, trust_domain: str) -> Issuer:
    """Make a root beside the one that issues; it issues nothing yet.

    Raises:
        Conflict: there are two already.
    """
    if len(issuers(admin)) > 1:
        raise Conflict("the PKI has two roots already", fix="finish the replacement that was begun")
    wanted = {**ROOT_TERMS, "common_name": trust_domain}
    with translated():
        made = admin.client.adapter.post(f"{_PKI}/root/rotate/internal", json=wanted)["data"]
    return next(root for root in issuers(admin) if root.name == made["issuer_id"])


def issue_with(admin: VaultAdmin, root: Issuer) -> None:
    """Let roles certify with this root from here on."""
    with translated():
        admin.client.adapter.post(f"{_PKI}/config/issuers", json={"default": root.name})


def rotate_keys(admin: VaultAdmin, names: Sequence[str]) -> Sequence[str]:
    """Give these keys a new version, and return their names; older versions stay readable."""
    with translated():
        for name in names:
            admin.client.adapter.post(f"/v1/transit/keys/{name}/rotate", json={})
    return names


def rotate_encryption(admin: VaultAdmin) -> Sequence[str]:
    """Give every key that encrypts a new version; return their names.

    What older versions sealed still opens. Keys that sign are another root's to name, and keyed hashes must stay the
    same: they say which split a row belongs to, and whether bytes were pushed before.
    """
    with translated():
        names = admin.client.adapter.get("/v1/transit/keys/?list=true")["data"]["keys"]
        rotated = []
        for name in names:
            if admin.client.secrets.transit.read_key(name)["data"]["type"] == "aes256-gcm96":
                admin.client.adapter.post(f"/v1/transit/keys/{name}/rotate", json={})
                rotated.append(name)
    return rotated


def drop_issuer(admin: VaultAdmin, root: Issuer) -> None:
    """Forget a root with its key: it certifies nothing any more.

    Raises:
        Conflict: it is the one that issues.
    """
    if any(one.issues and one.name == root.name for one in issuers(admin)):
        raise Conflict("this root issues", fix="let another issue first")
    with translated():
        admin.client.adapter.delete(f"{_PKI}/issuer/{root.name}")
        admin.client.adapter.delete(f"{_PKI}/key/{root.key}")
