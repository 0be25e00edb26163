"""What a person signs: the canonical statement about exactly one version, its evidence and one environment.

A service proposes the words and the passkey signs them: before it does, they are compared with what was asked
for, so that a service that lies gets no signature under anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from assay.contracts import Conditions, canonical
from assay.errors import SignatureInvalid
from assay.identity.statements import APPROVAL

if TYPE_CHECKING:
    from assay.client.session import Session
    from assay.contracts import Assertion


NO_CONDITIONS: Final = Conditions()


class Authenticator(Protocol):
    """Something that holds a person's passkey."""

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Sign a statement with the person's passkey."""


class Approvals:
    """Fetch a statement, sign it, hand it in."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")
        self._trust_domain = session.platform.trust_domain
        self._tenant = session.tenant
        self._person = session.identity.spiffe_id.person

    def statement(
        self,
        model: str,
        number: int,
        environment: str,
        *,
        verb: str = "approve",
        role: str = "approver",
        reason: str = "",
        standing_in: bool = False,
        conditions: Conditions = NO_CONDITIONS,
    ) -> dict[str, Any]:
        """Return the statement this person would sign; raises SignatureInvalid when it is about something else."""
        path = f"/v1/models/{model}/versions/{number}/statement"
        wanted: dict[str, Any] = {"environment": environment, "verb": verb, "role": role}
        wanted |= {"reason": reason} if reason else {}
        wanted |= {"only_endpoint": conditions.endpoints} if conditions.endpoints else {}
        wanted |= {"until": conditions.until} if conditions.until is not None else {}
        statement = dict(self._registry.get(path, **wanted)["statement"])
        asked = {
            "type": APPROVAL,
            "version": 1,
            "trust_domain": self._trust_domain,
            "tenant": self._tenant,
            "model": model,
            "number": number,
            "verb": verb,
            "environment": environment,
            "person": self._person,
            "role": role,
            "conditions": conditions.to_json(),
        }
        asked |= {"reason": reason.strip()} if reason.strip() or "reason" in statement else {}
        if ("delegation" in statement) is not standing_in:
            raise SignatureInvalid(
                f"the statement {'names a' if 'delegation' in statement else 'names no'} delegation",
                fix="say whether you decide for somebody who is away: `--standing-in`",
            )
        return as_asked(statement, asked)

    def hand_in(self, assertion: Assertion) -> dict[str, Any]:
        """Hand in a signed statement; returns the fact that carries it."""
        path = "/v1/delegated-decisions" if "delegation" in assertion.statement else "/v1/approvals"
        return dict(self._registry.post(path, {"assertion": assertion.model_dump(mode="json")}))

    def approve(
        self,
        authenticator: Authenticator,
        model: str,
        number: int,
        environment: str,
        *,
        verb: str = "approve",
        role: str = "approver",
        reason: str = "",
        standing_in: bool = False,
        conditions: Conditions = NO_CONDITIONS,
    ) -> dict[str, Any]:
        """Sign and hand in in one go; a reason stands in the ledger for good.

        `standing_in` says that it is in the role of somebody who is away; `conditions` are what it is limited to.
        """
        statement = self.statement(
            model,
            number,
            environment,
            verb=verb,
            role=role,
            reason=reason,
            standing_in=standing_in,
            conditions=conditions,
        )
        return self.hand_in(authenticator.assert_(statement))


def as_asked(statement: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement that says what was asked for; raises SignatureInvalid naming the members that do not."""
    other = sorted(
        name
        for name, value in asked.items()
        if name not in statement or canonical(statement[name]) != canonical(value)
    )
    if other:
        raise SignatureInvalid(
            f"the service asks to sign something else than was asked for: {', '.join(other)} differ",
            fix="sign nothing, and report the service that asked",
        )
    return statement
