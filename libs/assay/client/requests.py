"""Requests for approval: asking, what waits, and checking on one's own machine what one is asked to sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.client.approvals import NO_CONDITIONS
from assay.contracts import Assertion, Conditions, Environment, canonical, sha256_hex
from assay.errors import SignatureInvalid
from assay.identity.wording import in_words

if TYPE_CHECKING:
    from assay.client.session import Session

APPROVE = "approve"


@dataclass(frozen=True)
class Recomputed:
    """A statement as this machine makes sense of it: its words, its digest, and what was checked here."""

    request: dict[str, Any]
    statement: dict[str, Any]
    words: list[tuple[str, str]]
    digest: str
    checked: list[str]


class Requests:
    """What this person asks for, and what waits for them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._registry = session.service("registry")

    def ask(
        self, model: str, number: int, environment: str, *, note: str = "", due: datetime | None = None
    ) -> dict[str, Any]:
        """Ask approvers to decide about a version; the very same again is the request that stands."""
        until = due.isoformat() if due else None
        body = {"model": model, "number": number, "environment": environment, "note": note, "due": until}
        return dict(self._registry.post("/v1/requests", body))

    def find(self, request: str) -> dict[str, Any]:
        """Return a request and how it stands."""
        return dict(self._registry.get(f"/v1/requests/{request}"))

    def inbox(self) -> dict[str, list[dict[str, Any]]]:
        """Return what waits for me (`waiting`) and what I asked for (`asked`)."""
        return dict(self._registry.get("/v1/requests"))

    def withdraw(self, request: str) -> dict[str, Any]:
        """Take a request back."""
        return dict(self._registry.post(f"/v1/requests/{request}/withdrawal"))

    def question(self, request: str, text: str) -> dict[str, Any]:
        """Ask whoever asked, instead of deciding."""
        return dict(self._registry.post(f"/v1/requests/{request}/questions", {"text": text}))

    def comment(self, model: str, number: int, text: str, *, request: str = "") -> dict[str, Any]:
        """Write about a version; within a request of mine it answers a question."""
        body = {"text": text, "request": request}
        return dict(self._registry.post(f"/v1/models/{model}/versions/{number}/comments", body))

    def comments(self, model: str, number: int) -> list[dict[str, Any]]:
        """Return what was written about a version, oldest first."""
        return list(self._registry.get(f"/v1/models/{model}/versions/{number}/comments")["comments"])

    def recomputed(
        self,
        request: str,
        *,
        verb: str = APPROVE,
        role: str = "approver",
        reason: str = "",
        standing_in: bool = False,
        shown: Mapping[str, Any] | None = None,
        conditions: Conditions = NO_CONDITIONS,
    ) -> Recomputed:
        """Return what I would sign for a request, checked here against the log I follow and the package's bytes.

        `shown` is a statement that a page showed; without it the registry is asked for one.

        Raises:
            SignatureInvalid, WrongSubject: the registry proposes words that this machine does not arrive at.
            ChainBroken, ChainRevoked: the version may not be used.
        """
        from assay.custody.approvals import check_statement
        from assay.custody.chain import chain

        asked = self.find(request)
        model, number = str(asked["model"]), int(asked["number"])
        statement = (
            dict(shown)
            if shown is not None
            else self._session.approvals.statement(
                model,
                number,
                str(asked["environment"]),
                verb=verb,
                role=role,
                reason=reason,
                standing_in=standing_in,
                conditions=conditions,
            )
        )
        about = self._approvable(model, number, str(asked["environment"]))
        unproven = dict.fromkeys(("credential_id", "authenticator_data", "client_data", "signature"), "")
        person = str(self._session.identity.spiffe_id.person)
        said = str(statement.get("verb", verb)) if shown is not None else verb
        check_statement(Assertion(statement=statement, person=person, **unproven), said, about)
        self._seen(statement)
        checked = [
            f"package {about.version.package}: its bytes were fetched and hashed here, and its signature verifies",
            f"{len(statement['evidence'])} pieces of evidence stand in the log followed here, and none is left out",
            f"the log at {statement['log_size']} entries is the one this machine follows",
            "the policy named is the one in force",
        ]
        words = in_words(statement, self._holder(statement))
        if left := chain(self._session.follower, about.digest).left:
            words.append(
                ("ATTENTION", f"the risk tier is LOWERED: version {left.number} is of tier {left.tier}")
            )
        return Recomputed(asked, statement, words, sha256_hex(canonical(statement)), checked)

    def _approvable(self, model: str, number: int, environment: str) -> Any:  # noqa: ANN401 - custody's, imported late
        """Return what must be approved, from facts verified here and bytes hashed here."""
        from assay.contracts import FactKind, Version, body_of
        from assay.custody.card import card_digest
        from assay.custody.chain import chain
        from assay.custody.judging import approvable_now
        from assay.custody.verify import check_bytes

        session = self._session
        session.follower.catch_up()
        for record in session.follower.records(FactKind.VERSION, f"model/{session.tenant}/{model}"):
            body = body_of(record.fact, Version)
            if (body.model, body.number) == (model, number):
                files = session.models.package(body.package)
                signature = session.models.signature(body.package)
                check_bytes(chain(session.follower, record.digest), files, signature, session.root)
                return approvable_now(
                    session.follower,
                    session.root,
                    version=record.digest,
                    environment=Environment(environment),
                    card=card_digest(files),
                )
        raise SignatureInvalid(f"the log followed here holds no {model} v{number}")

    def _holder(self, statement: Mapping[str, Any]) -> str:
        """Return for whom a statement is made, by the delegation in the log followed here; "" for oneself."""
        from assay.contracts import Delegation, body_of

        named = statement.get("delegation")
        record = None if named is None else self._session.follower.record(str(named))
        if named is not None and record is None:
            raise SignatureInvalid("the registry names a delegation that the log followed here does not hold")
        return "" if record is None else body_of(record.fact, Delegation).person

    def _seen(self, statement: Mapping[str, Any]) -> None:
        """Return when a statement was made over the log followed here, by the policy in force."""
        session, size = self._session, int(statement["log_size"])
        now = session.follower.size
        if size > now or session.follower.root_at(size).hex() != statement["log_root"]:
            raise SignatureInvalid("the registry names another log than the one this machine follows")
        if statement["policy"] != session.follower.policy_revision():
            raise SignatureInvalid("the registry names another policy than the one in force")
