"""`assay init`, step by step; repeatable until the last one, which makes the home known to `assay up`."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from assay.contracts import SignedFact
from assay.errors import Conflict
from assay.identity.certificates import new_key, request_for
from assay.identity.contexts import Shown, server_context
from assay.ledger import FactSigner, Root, root_fact
from assay.policy.bundle import PolicyBundle
from assay.vault.admin import VaultAdmin
from assay.vault.client import VaultClient
from assay.vault.configure import configure
from assay.vault.layout import CERTIFICATE_SECONDS, LAUNCHER, standard
from assay_laptop.genesis.ceremony import Ceremony
from assay_laptop.genesis.opening import open_log
from assay_laptop.genesis.people import (
    TENANT,
    Enrolled,
    enrol,
    enrol_founders,
    opening_facts,
)
from assay_laptop.genesis.policy import author_key, first_bundle, policy_in_force, public_half
from assay_laptop.genesis.trust import RELYING_PARTY, root_json
from assay_laptop.home import Home, HomeMissing, Unlock, write_atomically
from assay_laptop.platform.addresses import SIGNING, choose_ports, url
from assay_laptop.platform.servers import VaultServer, opa_kind
from assay_laptop.witness import make

TRUST_DOMAIN = "assay.demo"
Say = Callable[[str], None]


def found(home: Home, *, say: Say, founders: Sequence[str] = ()) -> None:
    """Make a platform in a home: Vault, keys, people, root, the log's first entries (DESIGN 4, genesis).

    With `founders` (two or more names) it is no demonstration: they make and use passkeys at a browser here.

    Raises:
        Conflict: the home has a platform already.
    """
    _refuse_a_second(home)
    home.make()
    home.make_run()
    ports = _kept_ports(home)
    server = VaultServer(home, ports["vault"])
    with running(home, server), server.administered() as admin:
        unlock = _opened(home, admin)
        say(f"vault: {server.description}; initialised, unsealed")
        configure(admin, TRUST_DOMAIN, standard())
        vault = admin.vault()
        home.keep_unlock(
            replace(
                unlock,
                launcher_role_id=vault.role_id(LAUNCHER),
                launcher_secret_id=admin.new_secret_id(LAUNCHER),
            )
        )
        write_atomically(home.ca, vault.ca_pem().encode())
        if founders:
            _establish_in_browser(home, vault, ports, founders, say=say)
        else:
            origins = _origins(ports)
            people = enrol(home, RELYING_PARTY, origins[0])
            _establish(home, vault, people, origins, say=say, demonstration=True)
    _make_known(home, ports, server.kind)
    kind = "" if founders else ": a demonstration, for looking and not for production data"
    say(f"platform made in {home.path}{kind}")


@contextmanager
def running(home: Home, server: VaultServer) -> Iterator[None]:
    """Run Vault for the length of a block; the run folder goes with it."""
    command = server.command()
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "vault.log").open("ab") as log:
        process = subprocess.Popen(
            command.argv, env=dict(command.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(home.run, ignore_errors=True)


def _refuse_a_second(home: Home) -> None:
    try:
        home.describe()
    except HomeMissing:
        return
    raise Conflict(
        f"{home.path} has a platform already", fix="start it with `assay up`, or name another --home"
    )


def _kept_ports(home: Home) -> dict[str, int]:
    """Choose addresses once: people's passkeys are bound to identity's, so a repetition keeps them."""
    path = home.path / "ports.json"
    if not path.exists():
        write_atomically(path, json.dumps(choose_ports()).encode())
    ports: dict[str, int] = json.loads(path.read_text())
    return ports


def _opened(home: Home, admin: VaultAdmin) -> Unlock:
    """Initialise Vault, or open the one an unfinished `assay init` left; root token in hand either way."""
    if admin.seal_status().initialized:
        unlock = home.unlock()
        admin.unseal(unlock.unseal_key)
        admin.become_root(unlock.unseal_key)
        return unlock
    unlock = Unlock(admin.initialise(), "", "")
    home.keep_unlock(unlock)
    return unlock


def _origins(ports: dict[str, int]) -> list[str]:
    """Return where passkeys may be used: the software ones say the first, browsers the others."""
    return [f"https://localhost:{ports['login']}", *(url(ports, name) for name in SIGNING)]


def _establish_in_browser(
    home: Home, vault: VaultClient, ports: dict[str, int], founders: Sequence[str], *, say: Say
) -> None:
    """Let the founders step through a page on the people listener's own origin."""
    origin = url(ports, SIGNING[0])
    with tempfile.TemporaryDirectory(dir=home.run) as folder:
        context = _listener_context(vault, Path(folder))
        with Ceremony(origin, context) as ceremony:
            say(f"founders {', '.join(founders)}: open {ceremony.address}")
            say(
                f"the browser does not know this platform yet: `assay --home {home.path} trust install` lets it"
            )
            people = enrol_founders(home, founders, ceremony)
            origins = [url(ports, name) for name in SIGNING]
            _establish(home, vault, people, origins, say=say, demonstration=False)
            ceremony.done = True


def _listener_context(vault: VaultClient, folder: Path) -> ssl.SSLContext:
    """Return the page's TLS context, with a certificate of identity's: it is identity's address."""
    key = new_key()
    uri = f"spiffe://{TRUST_DOMAIN}/svc/core/identity"
    chain = vault.sign_csr("identity", request_for(key), uri=uri, ttl_seconds=CERTIFICATE_SECONDS)
    shown = Shown(f"{key.strip()}\n{chain.strip()}\n", folder)
    return server_context(vault.ca_pem(), shown, client_certificate=False)


def _establish(
    home: Home,
    vault: VaultClient,
    people: dict[str, Enrolled],
    origins: Sequence[str],
    *,
    say: Say,
    demonstration: bool,
) -> None:
    witnesses = [make(home, TRUST_DOMAIN)]
    if not home.root.exists():
        said = root_json(
            people,
            TRUST_DOMAIN,
            origins,
            vault.public_key,
            witnesses,
            policy_author=public_half(author_key(home)),
            demonstration=demonstration,
        )
        write_atomically(home.root, said)
    root = Root.load(home.root)
    policy = first_bundle(home, root)
    say(
        f"root.json said by {root.threshold} founders, fingerprint {root.fingerprint[:16]}; witness in {home.witness}"
    )
    size = open_log(home, vault, root, _first_entries(people, vault, root, policy), people)
    say(f"log opened: root, {len(people)} credentials, roles, policy: {size} entries")


def _first_entries(
    people: dict[str, Enrolled], vault: VaultClient, root: Root, policy: PolicyBundle
) -> list[SignedFact]:
    """Return root, people and policy; founders at a browser are administrators by the root alone."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signer = FactSigner(vault)
    opening = opening_facts(people, TRUST_DOMAIN, now) if root.demonstration else []
    facts = [*opening, policy_in_force(people, policy, TRUST_DOMAIN, now)]
    return [signer.sign(fact) for fact in (root_fact(root, time=now), *facts)]


def _make_known(home: Home, ports: dict[str, int], vault: str) -> None:
    """Write what clients need, and last what makes `assay up` find the platform."""
    client = {
        "trust_domain": TRUST_DOMAIN,
        "tenant": TENANT,
        "ca": home.ca.name,
        "root": home.root.name,
        "urls": {name: url(ports, name) for name in ports},
    }
    write_atomically(home.client_file, json.dumps(client, indent=1).encode())
    home.remember(format=1, trust_domain=TRUST_DOMAIN, ports=ports, vault=vault, opa=opa_kind())
    (home.path / "ports.json").unlink()
