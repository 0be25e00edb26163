"""`assay rotate signing`: new versions of every key that signs but the log's, listed by a root that the founders say.

The platform is down for it: from the first new version until the next root's entry nobody could append. Interrupted,
it is run again; older versions go on counting for what stands before the next root's entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from assay.contracts import Fact, FactKind
from assay.errors import Conflict
from assay.identity.authenticator import SoftwareAuthenticator
from assay.ledger import FactSigner, Root, root_payload
from assay.ledger.root import root_document
from assay.vault.client import VaultClient
from assay.vault.layout import standard
from assay.vault.rotation import rotate_keys
from assay_laptop.genesis.founding import running
from assay_laptop.genesis.trust import LIFETIME, SERVICE_KEYS, signers
from assay_laptop.home import Home
from assay_laptop.platform import status as statuses
from assay_laptop.platform.environment import database_url
from assay_laptop.platform.servers import VaultServer
from services.ledger.store import open_store


def rotate_signing(home: Home, names: Sequence[str], *, say: Callable[[str], None]) -> Root:
    """Rotate every key that signs but the log's own, and append the root that lists the new versions; return that root.

    Raises:
        Conflict: the platform runs, or too few founders are named: nothing was changed.
    """
    described = home.describe()
    if statuses.read(home) is not None:
        raise Conflict(f"a platform is running in {home.path}", fix="end it first: `assay down`")
    pinned = Root.load(home.root)
    founders = _founders(home, pinned, names)
    home.make_run()
    server = VaultServer(home, described["ports"]["vault"], must_be=described["vault"])
    with running(home, server), server.administered() as admin:
        unlock = home.unlock()
        admin.unseal(unlock.unseal_key)
        admin.become_root(unlock.unseal_key)
        try:
            facts = [name for name in standard().keys if name.startswith("fact-")]
            rotated = rotate_keys(admin, [*facts, *SERVICE_KEYS])
            root = _append(home, admin.vault(), pinned, founders)
        finally:
            admin.revoke()
    say(f"{len(rotated)} keys have a new version; root version {root.version}: {root.fingerprint[:16]}")
    return root


def _founders(home: Home, root: Root, names: Sequence[str]) -> list[SoftwareAuthenticator]:
    """Return the passkeys of the named people when they are enough founders."""
    passkeys = [
        SoftwareAuthenticator.load(home.person(name) / "authenticator.json") for name in dict.fromkeys(names)
    ]
    known = {one.person for one in root.founders}
    said = [one for one in passkeys if one.person in known]
    if len(said) < root.threshold:
        raise Conflict(
            f"{len(said)} founders are named and {root.threshold} must say the next root",
            fix="name each with --as; every one of them asserts it with a passkey",
        )
    return said


def _append(home: Home, vault: VaultClient, pinned: Root, founders: Sequence[SoftwareAuthenticator]) -> Root:
    """Append the root after the newest one, with Vault's newest keys."""
    now = datetime.now(UTC).replace(microsecond=0)
    with open_store(
        database_url(home, "ledger"), pinned, lambda data: vault.sign("log", data), create=False
    ) as log:
        old, head = log.root, log.head("root")
        payload = root_payload(
            trust_domain=old.trust_domain,
            demonstration=old.demonstration,
            rp_id=old.rp_id,
            origins=old.origins,
            threshold=old.threshold,
            expires=now + LIFETIME,
            admins=old.founders,
            signers=signers(old.trust_domain, vault.public_key),
            log_origin=old.log_origin,
            log_public_key=old.log_key_pem,
            services={**old.services, **{name: vault.public_key(name) for name in SERVICE_KEYS}},
            witnesses=old.authority.witnesses,
            quorum=old.authority.quorum,
            version=old.version + 1,
            previous=old.fingerprint,
        )
        said = root_document(payload, [founder.assert_(payload) for founder in founders])
        fact = Fact(
            kind=FactKind.ROOT,
            about="root",
            tenant="",
            time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            body=json.loads(said),
            previous=head.digest if head else None,
        )
        log.append(FactSigner(vault).sign(fact))
        return log.root
