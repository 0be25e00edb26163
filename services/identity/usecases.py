"""What identity does: sign people in, hand out grants, list people, and let administrators change who may what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.contracts import (
    Assertion,
    CredentialBound,
    Fact,
    FactKind,
    PersonId,
    SpiffeId,
    body_of,
    canonical,
    check_name,
    new_id,
)
from assay.errors import BadRequest, Forbidden, NotFound, SignatureInvalid
from assay.identity import grants
from assay.identity.certificates import key_digest
from assay.identity.statements import administrators_needed, asserted, may_say
from assay.ledger import Ledger, Record, Root
from assay.vault import Vault
from assay.web.caller import Caller
from services.identity.challenges import Challenges
from services.identity.domain import Certificate, GrantWish, Person
from services.identity.errors import NotAPerson, NotEnoughAdministrators, PasskeyRefused
from services.identity.passkeys import Passkeys
from services.identity.ports import Followed, Names


@dataclass(frozen=True)
class SigningIn:
    """A passkey's assertion and a certificate request, in exchange for a one-hour certificate."""

    trust_domain: str
    passkeys: Passkeys
    names: Names
    vault: Vault
    challenges: Challenges
    certificate_seconds: int

    def challenge(self, *, person: str | None, name: str | None, key: str) -> dict[str, Any]:
        """Return what a person signs to have `key` certified; it tells nothing about who exists."""
        if person is None and name is None:
            raise BadRequest("say who logs in: `person` or `name`")
        if person is not None:
            return self.challenges.issue(person=check_name(person, "person"), key=key)
        found = self.names.person(name or "") or self.challenges.stranger(name or "")
        return self.challenges.issue(person=found, key=key)

    def log_in(self, assertion: Assertion, csr_pem: str) -> Certificate:
        """Certify the key that the assertion names, for the person who made it, once.

        A passkey of a browser signs in at identity's page and lets the command in there. Only a page that is not
        what it says would have it sign a login, so that counts for nothing.

        Raises:
            ChallengeSpent: the statement is not ours, has ended or was used.
            PasskeyRefused: the passkey, the person or the key is another one, or the passkey is a browser's.
        """
        said = assertion.statement
        self.challenges.check(said)
        if said["person"] != assertion.person or said["key"] != key_digest(csr_pem):
            raise PasskeyRefused("the challenge was for another person or another key")
        if not self.passkeys.prove(assertion).software:
            raise PasskeyRefused("the passkey is not accepted")
        self.challenges.spend(said)
        return self.certify(assertion.person, csr_pem)

    def certify(self, person: str, csr_pem: str) -> Certificate:
        """Return a certificate for a person who was proven; the key is the one that was asked for."""
        uri = f"spiffe://{self.trust_domain}/people/{person}"
        chain = self.vault.sign_csr(
            "people",
            csr_pem,
            uri=str(SpiffeId.parse(uri)),
            ttl_seconds=self.certificate_seconds,
            loopback=False,
        )
        return Certificate(chain, self.vault.ca_pem())


@dataclass(frozen=True)
class Granting:
    """A person lets a service act for them."""

    vault: Vault
    issuer: SpiffeId
    clock: Callable[[], float]

    def grant(self, wish: GrantWish, *, by: Caller) -> str:
        """Return a signed grant of `wish` by the person whose own certificate the caller shows."""
        person = by.identity.person
        if person is None:
            raise NotAPerson(f"{by.identity} is no person")
        return grants.mint(
            self.vault,
            issuer=self.issuer,
            person=person,
            tenant=by.tenant,
            service=wish.service,
            audience=wish.audience,
            actions=wish.actions,
            now=int(self.clock()),
            seconds=wish.seconds,
        )


@dataclass(frozen=True)
class People:
    """Who there is: ids and roles from facts, names from a table that can be deleted."""

    followed: Followed
    names: Names

    def all(self, tenant: str) -> list[Person]:
        """Return who holds a role in a tenant; in the platform's own, everybody with a credential or a name."""
        names = self.names.all()
        known = self._appointed(tenant)
        if tenant == self.followed.tenant:
            bound = self.followed.records(FactKind.CREDENTIAL)
            known |= {PersonId(record.about.split("/")[1]) for record in bound} | set(names)
        return [Person(each, names.get(each), self.followed.roles(each, tenant)) for each in sorted(known)]

    def _appointed(self, tenant: str) -> set[PersonId]:
        """Return who was ever given a role in a tenant."""
        records = self.followed.records(FactKind.ROLE, f"role/{tenant}/")
        return {PersonId(record.about.split("/")[2]) for record in records}

    def enrol(self, name: str) -> PersonId:
        """Give somebody a fresh opaque id under a name; it holds no credential and no role yet."""
        person = PersonId(new_id("p"))
        self.names.put(person, name)
        return person

    def rename(self, person: str, name: str) -> None:
        """Name somebody who is known by facts or by name; raises NotFound, NameTaken."""
        if person not in {each.person for each in self.all(self.followed.tenant)}:
            raise NotFound(f"nobody has the id {person[:63]!r}")
        self.names.put(PersonId(person), name)

    def forget(self, person: str) -> None:
        """Delete somebody's name; facts keep the opaque id."""
        self.names.forget(PersonId(person))


@dataclass(frozen=True)
class Administration:
    """Facts that administrators say: credentials, roles, the policy in force."""

    root: Root
    followed: Followed
    ledger: Ledger

    def previous(self, about: str) -> str | None:
        """Return the digest of the newest fact about something, which the next one must name."""
        self.followed.catch_up()
        head = self.followed.head(about)
        return head.digest if head else None

    def to_sign(self, fact: Fact) -> dict[str, Any]:
        """Return the statement administrators sign for a fact, and how many of them it takes."""
        return {
            "statement": asserted(fact, self.root.trust_domain),
            "administrators": administrators_needed(fact),
        }

    def said(self, fact: Fact, assertions: Sequence[Assertion]) -> dict[str, Any]:
        """Append a fact with what administrators assert of it; without assertions return what they sign."""
        if not assertions:
            return self.to_sign(fact)
        return {"fact": self.append(fact, assertions).digest}

    def append(self, fact: Fact, assertions: Sequence[Assertion]) -> Record:
        """Append a fact that enough administrators said.

        Raises:
            NotEnoughAdministrators: fewer different administrators than it takes.
            SignatureInvalid: an assertion does not verify or says something else.
            HeadMoved: the state moved on since they signed; they read and sign again.
        """
        self.followed.fresh()
        self._refuse_misplaced(fact)
        administrators = {self.administrator(fact, assertion) for assertion in assertions}
        needed = administrators_needed(fact)
        if len(administrators) < needed:
            raise NotEnoughAdministrators(
                f"{fact.about} takes {needed} administrators, not {len(administrators)}"
            )
        record = self.ledger.append(fact)
        self.followed.catch_up()
        return record

    def administrator(self, fact: Fact, assertion: Assertion) -> str:
        """Return the administrator who said exactly this fact."""
        if canonical(assertion.statement) != canonical(asserted(fact, self.root.trust_domain)):
            raise SignatureInvalid(
                f"{assertion.person} signed something else",
                fix="sign the statement as it is now, after the head",
            )
        credential = self.followed.credential(assertion.person, assertion.credential_id)
        roles = self.followed.roles(assertion.person, fact.tenant)
        if credential is None or not roles & may_say(fact):
            raise Forbidden(f"{assertion.person} is no administrator with that credential")
        self.root.verify_person(assertion, credential)
        return assertion.person

    def _refuse_misplaced(self, fact: Fact) -> None:
        if fact.kind is not FactKind.CREDENTIAL:
            return
        credential = body_of(fact, CredentialBound)
        Passkeys(self.root, self.followed).require_nobody_elses(credential)
        if credential.software and not self.root.demonstration:
            raise Forbidden("software credentials belong to demonstrations", fix="bind a passkey")
