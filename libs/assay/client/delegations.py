"""Letting somebody decide in a role of one's own for a while, and ending that: signed by the one who is away."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.client.approvals import Authenticator, as_asked
from assay.identity.statements import DELEGATION

if TYPE_CHECKING:
    from assay.client.session import Session


class Delegations:
    """What this person hands on."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")
        self._asked = {
            "type": DELEGATION,
            "version": 1,
            "trust_domain": session.platform.trust_domain,
            "tenant": session.tenant,
            "person": session.identity.spiffe_id.person,
        }

    def standing(self) -> list[dict[str, Any]]:
        """Return every delegation that stands; times are seconds since 1970."""
        return list(self._registry.get("/v1/delegations")["delegations"])

    def delegate(
        self, authenticator: Authenticator, role: str, *, to: str, until: datetime
    ) -> dict[str, Any]:
        """Let `to` (a person's id) decide in a role of mine until a time; returns the fact."""
        wanted = {"role": role, "to": to, "until": until.isoformat()}
        asked = {"role": role, "to": to, "until": int(until.timestamp()), "ended": False}
        return self._said(authenticator, wanted, asked)

    def end(self, authenticator: Authenticator, role: str) -> dict[str, Any]:
        """Take a role back: what was said until now counts on, nothing new does."""
        return self._said(authenticator, {"role": role, "ended": "true"}, {"role": role, "ended": True})

    def _said(
        self, authenticator: Authenticator, wanted: dict[str, str], asked: dict[str, Any]
    ) -> dict[str, Any]:
        statement = dict(self._registry.get("/v1/delegations/statement", **wanted)["statement"])
        said = authenticator.assert_(as_asked(statement, {**self._asked, **asked}))
        return dict(self._registry.post("/v1/delegations", {"assertion": said.model_dump(mode="json")}))
