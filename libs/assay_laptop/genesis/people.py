"""The people of a demonstration: opaque ids, names in one deletable place, software passkeys."""

from __future__ import annotations

from dataclasses import dataclass

from assay.contracts import Assertion, CredentialBound, Fact, new_id
from assay.errors import NotFound
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, role_fact
from assay.identity.statements import administrators_needed, asserted
from assay_laptop.home import Home

ROLES = {
    "ada": ("administrator",),
    "grace": ("administrator",),
    "dana": ("data-scientist", "operator"),
    "amir": ("approver",),
    "bea": ("approver",),
}
FOUNDERS = ("ada", "grace")
TENANT = "demo"


@dataclass(frozen=True)
class Enrolled:
    """A person of the demonstration with a software passkey."""

    name: str
    person: str
    passkey: SoftwareAuthenticator

    def credential(self) -> CredentialBound:
        """Return the passkey's public half, as the root lists it for a founder."""
        return CredentialBound(
            person=self.person,
            credential_id=self.passkey.credential.credential_id,
            public_key=self.passkey.credential.public_key,
            software=True,
            assertions=(),
        )


def enrol(home: Home, rp_id: str, origin: str) -> dict[str, Enrolled]:
    """Make every person's passkey, or read those an earlier, unfinished `assay init` made."""
    found = {}
    for name in ROLES:
        path = home.person(name) / "authenticator.json"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            passkey = SoftwareAuthenticator.load(path)
        except NotFound:
            passkey = SoftwareAuthenticator.create(new_id("p"), rp_id, origin, path)
        found[name] = Enrolled(name, passkey.person, passkey)
    return found


def opening_facts(people: dict[str, Enrolled], trust_domain: str, time: str) -> list[Fact]:
    """Return the first facts about people: every credential, then every role, said by the founders."""
    facts = []
    for each in people.values():
        credential = each.passkey.credential
        bare = credential_fact(
            person=each.person,
            credential_id=credential.credential_id,
            public_key=credential.public_key,
            software=True,
            tenant=TENANT,
            time=time,
        )
        facts.append(
            credential_fact(
                person=each.person,
                credential_id=credential.credential_id,
                public_key=credential.public_key,
                software=True,
                tenant=TENANT,
                time=time,
                assertions=founders_say(people, bare, trust_domain),
            )
        )
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
    return [people[name].passkey.assert_(statement) for name in FOUNDERS[: administrators_needed(fact)]]
