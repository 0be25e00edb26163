"""Who holds which passkey, as the facts say, and whether an assertion is really theirs."""

from __future__ import annotations

from dataclasses import dataclass

from assay.contracts import Assertion, CredentialBound, FactKind, PersonId, body_of
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger import Root
from services.identity.errors import CredentialTaken, PasskeyRefused
from services.identity.ports import Followed


@dataclass(frozen=True)
class Passkeys:
    """The bound, unrevoked credentials of people."""

    root: Root
    followed: Followed

    def of(self, person: str) -> list[CredentialBound]:
        """Return a person's credentials that count now."""
        ids = {one.credential_id for one in self._ever_bound() if one.person == person}
        found = [self.followed.credential(person, each) for each in sorted(ids)]
        return [one for one in found if one is not None]

    def holder(self, credential_id: str) -> PersonId:
        """Return whose credential it is; raises PasskeyRefused when it counts for nobody."""
        people = {one.person for one in self._ever_bound() if one.credential_id == credential_id}
        holding = [each for each in people if self.followed.credential(each, credential_id) is not None]
        if len(holding) != 1:
            raise PasskeyRefused("the passkey is not accepted")
        return PersonId(holding[0])

    def require_nobody_elses(self, credential: CredentialBound) -> None:
        """Return when a credential's id was never another person's; raises CredentialTaken."""
        for one in self._ever_bound():
            if one.credential_id == credential.credential_id and one.person != credential.person:
                raise CredentialTaken("the passkey is another person's")

    def prove(self, assertion: Assertion) -> CredentialBound:
        """Return the credential that counts and whose holder said it; raises PasskeyRefused, Stale."""
        self.followed.fresh()
        credential = self.followed.credential(assertion.person, assertion.credential_id)
        if credential is None:
            raise PasskeyRefused("the passkey is not accepted")
        try:
            self.root.verify_person(assertion, credential)
        except (SignatureInvalid, BadRequest) as error:
            raise PasskeyRefused("the passkey is not accepted") from error
        return credential

    def _ever_bound(self) -> list[CredentialBound]:
        facts = [one.fact for one in self.followed.records(FactKind.CREDENTIAL)]
        return [*self.root.founders, *(body_of(fact, CredentialBound) for fact in facts)]
