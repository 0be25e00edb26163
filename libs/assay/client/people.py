"""People and their roles: who there is, and what administrators say about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.client.approvals import Authenticator, as_asked
from assay.client.service import Service
from assay.errors import NotFound
from assay.identity.statements import CREDENTIAL, ROLE, role_statement


class People:
    """What identity answers about people."""

    def __init__(self, identity: Service, trust_domain: str, tenant: str) -> None:
        self._identity = identity
        self._trust_domain = trust_domain
        self._tenant = tenant

    def all(self) -> list[dict[str, Any]]:
        """Return everybody: `person`, `name`, `roles`."""
        return list(self._identity.get("/v1/people")["people"])

    def named(self, name: str) -> str:
        """Return the opaque id of a person; raises NotFound."""
        for each in self.all():
            if each["name"] == name:
                return str(each["person"])
        raise NotFound(f"nobody is called {name[:80]!r}", fix="`assay people` lists everybody")

    def invite(self, name: str) -> dict[str, Any]:
        """Return `person` and the one-time `link` with which somebody makes a passkey."""
        return dict(self._identity.post("/v1/invitations", {"name": name}))

    def pending(self) -> list[dict[str, Any]]:
        """Return what waits for administrators' signatures."""
        return list(self._identity.get("/v1/proposals")["proposals"])

    def sign(self, proposal: str, administrators: Sequence[Authenticator]) -> dict[str, Any]:
        """Sign what waits with these passkeys, one after another; returns the last answer.

        Raises:
            SignatureInvalid: identity asks to sign something else than a credential or a role of this domain.
        """
        answer: dict[str, Any] = {}
        for passkey in administrators:
            statement = dict(self._identity.get(f"/v1/proposals/{proposal}")["statement"])
            kind = statement.get("type") if statement.get("type") in {CREDENTIAL, ROLE} else CREDENTIAL
            as_asked(statement, {"type": kind, "trust_domain": self._trust_domain})
            said = passkey.assert_(statement).model_dump(mode="json")
            path = f"/v1/proposals/{proposal}/signatures"
            answer = dict(self._identity.post(path, {"assertion": said}))
        return answer

    def change_role(
        self, person: str, role: str, administrators: Sequence[Authenticator], *, ended: bool = False
    ) -> dict[str, Any]:
        """Grant a role, or end it, by as many administrators' passkeys as it takes; returns the fact."""
        terms = {"person": person, "role": role, "ended": ended}
        statement = dict(self._identity.post("/v1/roles", terms)["statement"])
        asked = role_statement(
            trust_domain=self._trust_domain,
            tenant=self._tenant,
            person=person,
            role=role,
            ended=ended,
            previous=statement.get("previous"),
        )
        as_asked(statement, asked)
        said = [passkey.assert_(statement).model_dump(mode="json") for passkey in administrators]
        return dict(self._identity.post("/v1/roles", {**terms, "assertions": said}))
