"""Signing in at a page: a passkey's assertion in exchange for a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.contracts import Assertion, PersonId
from assay.identity.webauthn import origin_of
from services.identity.challenges import Challenges
from services.identity.errors import PasskeyRefused
from services.identity.passkeys import Passkeys
from services.identity.ports import Names


@dataclass(frozen=True)
class SignInPage:
    """Who may begin a session at the pages of `origin`."""

    passkeys: Passkeys
    names: Names
    challenges: Challenges
    origin: str

    def challenge(self, name: str) -> tuple[dict[str, Any], list[str]]:
        """Return what to sign, and the credentials to sign it with: none says "any that the device holds".

        A name that nobody has is answered like one that somebody has.
        """
        statement = self.challenges.issue()
        if not name:
            return statement, []
        person = self.names.person(name)
        bound = self.passkeys.of(person) if person else []
        known = [one.credential_id for one in bound if not one.software]  # no browser holds those
        return statement, known or [self.challenges.strange_credential(name)]

    def prove(self, assertion: Assertion) -> PersonId:
        """Return who signed in, once for each challenge.

        Raises:
            ChallengeSpent: the statement is not ours, has ended or was used.
            PasskeyRefused: the passkey counts for nobody, or signed in another origin's page.
        """
        self.challenges.check(assertion.statement)
        self.passkeys.prove(assertion)
        if origin_of(assertion) != self.origin:
            raise PasskeyRefused("the passkey was used in another page")
        self.challenges.spend(assertion.statement)
        return PersonId(assertion.person)
