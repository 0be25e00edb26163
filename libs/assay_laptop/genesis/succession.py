"""`assay rotate signing`: new versions of every key that signs but the log's, listed by a root that founders then say.

The platform goes on meanwhile: until the next root is an entry of the log, services sign with the versions that the
one in force lists. Interrupted, it is run again; versions that no root ever lists count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from assay.ledger import Root, root_payload
from assay.vault.admin import VaultAdmin
from assay.vault.layout import standard
from assay.vault.rotation import rotate_keys
from assay_laptop.genesis.trust import LIFETIME, SERVICE_KEYS, signers


def rotated(admin: VaultAdmin, root: Root, policy_author: str | None = None) -> dict[str, Any]:
    """Give every key that signs facts, grants, orders and packages a new version; return what founders may say.

    `policy_author` is the key (PEM) of who signs policy from then on, where it is another one.
    """
    facts = [name for name in standard().keys if name.startswith("fact-")]
    rotate_keys(admin, [*facts, *SERVICE_KEYS])
    return next_payload(root, admin.vault().public_key, policy_author)


def next_payload(root: Root, public_key: Callable[[str], str], policy_author: str | None) -> dict[str, Any]:
    """Return the root after `root`, with the keys (PEM) that `public_key(name)` says."""
    author = {} if policy_author is None else {"policy": policy_author}
    now = datetime.now(UTC).replace(microsecond=0)
    return root_payload(
        trust_domain=root.trust_domain,
        demonstration=root.demonstration,
        rp_id=root.rp_id,
        origins=root.origins,
        threshold=root.threshold,
        expires=now + LIFETIME,
        admins=root.founders,
        signers=signers(root.trust_domain, public_key),
        log_origin=root.log_origin,
        log_public_key=root.log_key_pem,
        services={**root.services, **{name: public_key(name) for name in SERVICE_KEYS}, **author},
        witnesses=root.authority.witnesses,
        quorum=root.authority.quorum,
        version=root.version + 1,
        previous=root.fingerprint,
    )
