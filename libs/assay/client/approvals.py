"""What a person signs: the canonical statement about exactly one version, its evidence and one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from assay.client.session import Session
    from assay.contracts import Assertion


class Authenticator(Protocol):
    """Something that holds a person's passkey."""

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Sign a statement with the person's passkey."""


class Approvals:
    """Fetch a statement, sign it, hand it in."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")

    def statement(
        self, model: str, number: int, environment: str, *, verb: str = "approve", role: str = "approver"
    ) -> dict[str, Any]:
        """Return the statement this person would sign."""
        path = f"/v1/models/{model}/versions/{number}/statement"
        return dict(self._registry.get(path, environment=environment, verb=verb, role=role)["statement"])

    def hand_in(self, assertion: Assertion) -> dict[str, Any]:
        """Hand in a signed statement; returns the fact that carries it."""
        return dict(self._registry.post("/v1/approvals", {"assertion": assertion.model_dump(mode="json")}))

    def approve(
        self,
        authenticator: Authenticator,
        model: str,
        number: int,
        environment: str,
        *,
        verb: str = "approve",
    ) -> dict[str, Any]:
        """Sign and hand in in one go."""
        return self.hand_in(authenticator.assert_(self.statement(model, number, environment, verb=verb)))
