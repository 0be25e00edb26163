"""What a signed-in person lets an application have: a certificate for the command, themselves for a service.

A certificate says when its person signed in: policy takes its beginning for that. So it is given for a passkey that
was used just now, and never for a session that is hours old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.identity.certificates import key_digest
from assay.pages import Session, SignInNeeded
from services.identity.codes import COMMAND, Codes, Wish
from services.identity.devices import Devices
from services.identity.domain import Certificate
from services.identity.errors import OneTimeCodeRefused
from services.identity.lending import Lending
from services.identity.ports import Followed
from services.identity.usecases import SigningIn

TO_DECIDE_SECONDS: Final = 120  # since the passkey was used: to look at what asks, and to let it in
TO_COLLECT_SECONDS: Final = 180  # the same, and the minute for which a code works


@dataclass(frozen=True)
class Authorizing:
    """Codes and devices in exchange for what was granted; `redirects` are the services' own.

    `clock` is in seconds since 1970.
    """

    codes: Codes
    devices: Devices
    signing_in: SigningIn
    followed: Followed
    redirects: Mapping[str, str]
    clock: Callable[[], float]
    lending: Lending

    def require_just_signed_in(self, session: Session) -> None:
        """Return while a session's person may have a certificate; raises SignInNeeded."""
        if self.clock() - session.authenticated_at > TO_DECIDE_SECONDS:
            raise SignInNeeded(
                f"letting the command in takes a sign-in of the last {TO_DECIDE_SECONDS} seconds"
            )

    def wish(self, asked: Mapping[str, str]) -> Wish:
        """Return what an application asks for; raises WishRefused when nobody may grant it."""
        terms = {name: value for name, value in asked.items() if name != "method"}
        return Wish.of(method=asked["method"], redirects=self.redirects, **terms)

    def certificate_for_code(self, code: str, verifier: str, redirect: str, csr: str) -> Certificate:
        """Certify the key that the command named when it asked, for who granted it."""
        granted = self.codes.redeem(code, client=COMMAND, redirect=redirect, verifier=verifier)
        if granted.wish.key != key_digest(csr):
            raise OneTimeCodeRefused("the code is not ours, was used, or has ended")
        return self._certified(granted.session, csr)

    def certificate_for_device(self, code: str, csr: str) -> Certificate:
        """Certify the key of a machine that a person confirmed."""
        return self._certified(self.devices.collect(code, key_digest(csr)), csr)

    def person_for_code(self, code: str, verifier: str, redirect: str, *, client: str) -> dict[str, Any]:
        """Return who signed in, when, with which passkey, to the service that the code was made for.

        With `grant`, for what signing in lends that service; without where it lends nothing.
        """
        granted = self.codes.redeem(code, client=client, redirect=redirect, verifier=verifier)
        session = granted.session
        self._still_stands(session)
        said = {
            "person": session.person,
            "credential_id": session.credential_id,
            "authenticated_at": session.authenticated_at,
        }
        grant = self.lending.to(client, session.person)
        return said | ({"grant": grant} if grant else {})

    def _certified(self, session: Session, csr: str) -> Certificate:
        self._still_stands(session)
        if self.clock() - session.authenticated_at > TO_COLLECT_SECONDS:
            raise OneTimeCodeRefused("the code is not ours, was used, or has ended")
        return self.signing_in.certify(session.person, csr)

    def _still_stands(self, session: Session) -> None:
        """Nothing is handed out for a passkey that was revoked since; raises OneTimeCodeRefused, Stale."""
        self.followed.fresh()
        if self.followed.credential(session.person, session.credential_id) is None:
            raise OneTimeCodeRefused("the passkey that granted it is not accepted any more")
