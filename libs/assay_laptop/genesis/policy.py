"""The first policy of a platform: its author's key, the signed bundle of `infra/opa`, and the fact that activates it.

The author's key is a person's own, as a passkey is: no service and no login at Vault can sign a policy with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from assay.contracts import Fact
from assay.identity.enrol import policy_fact
from assay.ledger import Root
from assay.policy.bundle import PolicyBundle
from assay.policy.preview import document, preview_digest
from assay.policy.shelf import Shelf, policy_author
from assay_laptop.genesis.people import FOUNDERS, TENANT, Enrolled, founders_say
from assay_laptop.home import Home, write_atomically
from assay_laptop.opa.build import bundle
from assay_laptop.opa.find import folder


def author_path(home: Home) -> Path:
    """Return where the policy author of a demonstration keeps their key."""
    return home.person(FOUNDERS[0]) / "policy-author.pem"


def author_key(home: Home) -> bytes:
    """Return the policy author's key (PEM), made when there is none."""
    path = author_path(home)
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(path, pem, mode=0o600)
    return path.read_bytes()


def public_half(private_key_pem: bytes) -> str:
    """Return the public key (PEM) that root.json names for policy."""
    key = load_pem_private_key(private_key_pem, None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def first_bundle(home: Home, root: Root) -> PolicyBundle:
    """Sign the policy of this checkout and keep it where every part looks for bundles."""
    shelf = Shelf(home.policy, policy_author(root))
    return shelf.put(bundle(folder(), author_key(home)))


def policy_in_force(people: dict[str, Enrolled], policy: PolicyBundle, trust_domain: str, time: str) -> Fact:
    """Return the fact that activates a platform's first policy: nothing stands yet that it could stop."""
    preview = preview_digest(document(before="", after=policy.revision, bundle=policy.digest))
    terms: dict[str, Any] = {
        "revision": policy.revision,
        "bundle": policy.digest,
        "preview": preview,
        "tenant": TENANT,
    }
    bare = policy_fact(**terms, time=time)
    return policy_fact(**terms, time=time, assertions=founders_say(people, bare, trust_domain))
