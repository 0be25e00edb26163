"""The people a platform begins with: a demonstration's, with software passkeys, or founders at a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from assay.contracts import Assertion, CredentialBound, Fact, new_id
from assay.errors import NotFound
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, role_fact
from assay.identity.statements import administrators_needed, asserted
from assay_laptop.genesis.ceremony import BrowserPasskey, Ceremony
from assay_laptop.home import Home, write_atomically

ROLES = {
    "ada": ("administrator",),
    "grace": ("administrator",),
    "dana": ("data-scientist", "operator"),
    "amir": ("approver",),
    "bea": ("approver",),
}
FOUNDERS = ("ada", "grace")
TENANT = "demo"


class Speaker(Protocol):
    """A passkey: software in a demonstration, else a founder's in a browser."""

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Say a statement."""


@dataclass(frozen=True)
class Enrolled:
    """A person with a passkey, and its public half as the root lists it for a founder."""

    name: str
    person: str
    passkey: Speaker
    credential: CredentialBound

    @classmethod
    def with_software(cls, name: str, passkey: SoftwareAuthenticator) -> Self:
        """Return a person of a demonstration."""
        public = passkey.credential._asdict()
        bound = CredentialBound(person=passkey.person, software=True, assertions=(), **public)
        return cls(name, passkey.person, passkey, bound)


def enrol(home: Home, rp_id: str, origin: str) -> dict[str, Enrolled]:
    """Make every demonstration person's passkey, or read those an earlier, unfinished `assay init` made."""
    found = {}
    for name in ROLES:
        path = home.person(name) / "authenticator.json"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            passkey = SoftwareAuthenticator.load(path)
        except NotFound:
            passkey = SoftwareAuthenticator.create(new_id("p"), rp_id, origin, path)
        found[name] = Enrolled.with_software(name, passkey)
    return found


def enrol_founders(home: Home, names: Sequence[str], ceremony: Ceremony) -> dict[str, Enrolled]:
    """Have each founder make a passkey in the browser; those an unfinished `assay init` made stay."""
    kept = home.path / "founders.json"
    known: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in names:
        if name not in known:
            known[name] = ceremony.passkey(name, new_id("p")).model_dump(mode="json")
            write_atomically(kept, json.dumps(known).encode())
    bound = {name: CredentialBound.model_validate(known[name]) for name in names}
    return {
        name: Enrolled(name, one.person, BrowserPasskey(name, one, ceremony), one)
        for name, one in bound.items()
    }


def opening_facts(people: dict[str, Enrolled], trust_domain: str, time: str) -> list[Fact]:
    """Return the first facts about people: every credential, then every role, said by the founders."""
    facts = []
    for each in people.values():
        terms = each.credential.model_dump(exclude={"assertions"})
        bare = credential_fact(**terms, tenant=TENANT, time=time)
        said = founders_say(people, bare, trust_domain)
        facts.append(credential_fact(**terms, tenant=TENANT, time=time, assertions=said))
    for name, roles in ROLES.items():
        for role in roles:
            bare = role_fact(person=people[name].person, role=role, tenant=TENANT, time=time)
            said = founders_say(people, bare, trust_domain)
            facts.append(
                role_fact(person=people[name].person, role=role, tenant=TENANT, time=time, assertions=said)
            )
    return facts


def founders_say(people: dict[str, Enrolled], fact: Fact, trust_domain: str) -> list[Assertion]:
    """Have as many founders as it takes say what a fact states."""
    statement = asserted(fact, trust_domain)
    return [one.passkey.assert_(statement) for one in founders_of(people)[: administrators_needed(fact)]]


def founders_of(people: dict[str, Enrolled]) -> list[Enrolled]:
    """Return who founds: a demonstration's two administrators, else everybody there is."""
    return [people[name] for name in FOUNDERS] if set(ROLES) <= set(people) else list(people.values())
