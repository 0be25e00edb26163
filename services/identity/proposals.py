"""What waits for administrators: links that let somebody make a passkey, and proposals they sign.

A link names one person, works once within fifteen minutes and grants no role. What is made with it, and every
change of a role, is a proposal: it becomes a fact when as many administrators as it takes have signed the same
statement, which names the head it follows. When the head has moved, signatures under the old one are dropped.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from assay.contracts import Assertion, CredentialBound, Fact, PersonId, canonical, new_id
from assay.errors import NotFound
from assay.identity.enrol import credential_fact, role_fact
from assay.identity.registration import creation_options, enrolment_challenge, fingerprint, registered
from assay.identity.statements import administrators_needed, asserted, credential_about, role_about
from assay.ledger import Record
from services.identity.errors import LinkSpent, SignedAlready
from services.identity.passkeys import Passkeys
from services.identity.ports import Drafts, Names
from services.identity.usecases import Administration, People

LINK_SECONDS: Final = 15 * 60


@dataclass(frozen=True)
class Link:
    """A one-time enrolment link; `expiry` is in seconds since 1970."""

    person: PersonId
    made_by: PersonId
    expiry: int


@dataclass(frozen=True)
class Proposal:
    """A fact that administrators may say: the terms of a credential or of a role. `opened` is in seconds since 1970."""

    id: str
    kind: Literal["credential", "role"]
    terms: Mapping[str, Any]
    opened_by: str
    opened: int
    assertions: tuple[Assertion, ...] = field(default=(), repr=False)

    def about(self, tenant: str) -> str:
        """Return the head of the fact it may become, in a tenant."""
        if self.kind == "credential":
            return credential_about(self.terms["person"], self.terms["credential_id"])
        return role_about(tenant, self.terms["person"], self.terms["role"])

    @property
    def fingerprint(self) -> str:
        """What the person reads out, of a credential; "" of a role."""
        return fingerprint(self.terms["public_key"]) if self.kind == "credential" else ""

    def fact(self, tenant: str, time: str, previous: str | None) -> Fact:
        """Return the fact, with the assertions so far."""
        make = credential_fact if self.kind == "credential" else role_fact
        return make(**self.terms, tenant=tenant, time=time, previous=previous, assertions=self.assertions)


@dataclass(frozen=True)
class Waiting:
    """A proposal as it stands: the words to sign now, who signed them, how many it takes."""

    proposal: Proposal
    statement: dict[str, Any]
    signed_by: tuple[str, ...]
    needed: int

    @property
    def text(self) -> str:
        """The canonical statement: the very bytes whose SHA-256 is signed."""
        return canonical(self.statement).decode()


@dataclass(frozen=True)
class Proposals:
    """What administrators of the platform's own tenant have before them."""

    administration: Administration
    drafts: Drafts
    clock: Callable[[], float]

    def open(self, kind: Literal["credential", "role"], terms: Mapping[str, Any], *, by: str) -> Waiting:
        """Put something before the administrators; the same again is the same proposal."""
        for each in self.drafts.proposals():
            if each.kind == kind and dict(each.terms) == dict(terms):
                return self.waiting(each)
        made = Proposal(new_id("proposal"), kind, dict(terms), by, int(self.clock()))
        self._fact(made)  # raises BadRequest for a malformed name before anything is kept
        self.drafts.keep(made)
        return self.waiting(made)

    def all(self) -> list[Waiting]:
        """Return what waits, the oldest first."""
        return [self.waiting(each) for each in self.drafts.proposals()]

    def find(self, proposal: str) -> Waiting:
        """Return one that waits; raises NotFound."""
        for each in self.drafts.proposals():
            if each.id == proposal:
                return self.waiting(each)
        raise NotFound(
            f"no proposal {proposal[:40]!r} waits", fix="it may have been signed or withdrawn already"
        )

    def sign(self, proposal: str, assertion: Assertion) -> Record | None:
        """Take an administrator's assertion; the last one it takes makes the fact, which is returned.

        Raises:
            SignatureInvalid, Forbidden: it says something else, or is by no administrator.
            SignedAlready: this administrator has signed; another one must.
        """
        waiting = self.find(proposal)
        fact = self._fact(waiting.proposal)
        signer = self.administration.administrator(fact, assertion)
        if signer in waiting.signed_by:
            raise SignedAlready(f"{signer} has signed this already")
        kept = tuple(one for one in waiting.proposal.assertions if one.person in waiting.signed_by)
        signed = replace(waiting.proposal, assertions=(*kept, assertion))
        if len(signed.assertions) < waiting.needed:
            self.drafts.keep(signed)
            return None
        record = self.administration.append(self._fact(signed), signed.assertions)
        self.drafts.drop(proposal)
        return record

    def withdraw(self, proposal: str) -> None:
        """Take a proposal back; raises NotFound."""
        self.drafts.drop(self.find(proposal).proposal.id)

    def waiting(self, proposal: Proposal) -> Waiting:
        """Return a proposal as it stands; signatures under words that changed since do not count."""
        fact = self._fact(proposal)
        statement = asserted(fact, self.administration.root.trust_domain)
        same = canonical(statement)
        signed = [one.person for one in proposal.assertions if canonical(one.statement) == same]
        return Waiting(proposal, statement, tuple(signed), administrators_needed(fact))

    def _fact(self, proposal: Proposal) -> Fact:
        now = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        tenant = self.administration.followed.tenant
        return proposal.fact(tenant, now, self.administration.previous(proposal.about(tenant)))


@dataclass(frozen=True)
class Enrolment:
    """Links, and the passkeys made with them."""

    people: People
    names: Names
    passkeys: Passkeys
    drafts: Drafts
    proposals: Proposals
    origin: str
    clock: Callable[[], float]

    def invite(self, name: str, *, by: str) -> tuple[PersonId, str]:
        """Return who is meant and the link's address: somebody known by this name, or somebody new.

        An earlier link of the same person works no more.
        """
        person = self.names.person(name.strip()) or self.people.enrol(name)
        token = secrets.token_urlsafe(32)
        expiry = int(self.clock()) + LINK_SECONDS
        self.drafts.keep_link(_digest(token), Link(person, PersonId(by), expiry))
        return person, f"{self.origin}/enrol?token={token}"

    def opened(self, token: str) -> tuple[Link, str]:
        """Return a link that still works and its person's name; raises LinkSpent."""
        link = self.drafts.link(_digest(token))
        if link is None or link.expiry <= self.clock():
            raise LinkSpent("the link is not ours, was used, or is older than fifteen minutes")
        return link, self.names.all().get(link.person, "")

    def options(self, token: str) -> dict[str, Any]:
        """Return what the browser is asked to make."""
        link, name = self.opened(token)
        return creation_options(
            rp_id=self.passkeys.root.rp_id,
            person=link.person,
            name=name,
            challenge=self._challenge(link.person, token),
            exclude=[one.credential_id for one in self.passkeys.of(link.person) if not one.software],
        )

    def register(self, token: str, credential_id: str, client_data: str, attestation: str) -> Waiting:
        """Take the passkey that was made, once; it counts when administrators have signed it."""
        link, _ = self.opened(token)
        made: CredentialBound = registered(
            person=link.person,
            credential_id=credential_id,
            client_data=client_data,
            attestation=attestation,
            challenge=self._challenge(link.person, token),
            rp_id=self.passkeys.root.rp_id,
            origin=self.origin,
        )
        self.passkeys.require_nobody_elses(made)
        if not self.drafts.use_link(_digest(token)):
            raise LinkSpent("the link was used a moment ago")
        terms = made.model_dump(include={"person", "credential_id", "public_key", "software"})
        return self.proposals.open("credential", terms, by=link.made_by)

    def _challenge(self, person: str, token: str) -> str:
        return enrolment_challenge(self.passkeys.root.trust_domain, person, _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
