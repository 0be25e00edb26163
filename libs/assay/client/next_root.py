"""The next root, from a client's side: what is signed is what this machine made of the log it verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.client.approvals import Authenticator
from assay.contracts import Assertion
from assay.errors import SignatureInvalid
from assay.ledger.next_root import NextRoot

if TYPE_CHECKING:
    from assay.client.session import Session


@dataclass(frozen=True)
class Drafted:
    """A draft as identity keeps it, read against the root that this machine followed the log to."""

    next: NextRoot
    assertions: tuple[Assertion, ...]
    opened_by: str

    def words(self, names: Mapping[str, str]) -> list[str]:
        """Return in lines what it is, what changes, and who must still say it; `names` by person."""
        lines = [f"root version {self.next.new.version}, digest {self.next.digest}"]
        lines += [f"  {change}" for change in self.next.changes()]
        whose = ("founders of the root in force", "founders the next one names")
        for who, quorum in zip(whose, self.next.quorums(self.assertions), strict=True):
            waits = ", ".join(names.get(each, each) for each in quorum.waiting)
            line = f"{who}: {len(quorum.said)} of {quorum.needed} signed"
            lines.append(line if quorum.met else f"{line}, waits for {waits}")
        return lines


class NextRoots:
    """The draft of the next root at identity."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._identity = session.service("identity")

    def draft(self, statement: Mapping[str, Any]) -> Drafted:
        """Put a root before the founders; nothing of it is in force."""
        return self._read(self._identity.post("/v1/next-root", {"statement": dict(statement)}))

    def standing(self) -> Drafted:
        """Return the draft that waits.

        Raises:
            NotFound: none does.
            DraftStale: it follows another root than the one in force.
            SignatureInvalid: identity shows a word that does not verify.
        """
        return self._read(self._identity.get("/v1/next-root"))

    def sign(self, drafted: Drafted, founders: Sequence[Authenticator]) -> str | None:
        """Say exactly this draft with these passkeys; return the fact once it takes no more.

        Raises:
            SignedAlready: one of them has.
        """
        answer: dict[str, Any] = {}
        for passkey in founders:
            said = passkey.assert_(dict(drafted.next.statement)).model_dump(mode="json")
            answer = dict(self._identity.post("/v1/next-root/signatures", {"assertion": said}))
        return answer.get("fact")

    def withdraw(self) -> None:
        """Take the draft back."""
        self._identity.request("DELETE", "/v1/next-root")

    def _read(self, answer: Mapping[str, Any]) -> Drafted:
        self._session.follower.catch_up()
        try:
            assertions = tuple(Assertion.model_validate(one) for one in answer["assertions"])
            statement, opened_by = dict(answer["statement"]), str(answer["opened_by"])
        except (KeyError, TypeError, ValueError) as error:
            raise SignatureInvalid(f"identity shows no draft: {error}") from error
        drafted = NextRoot.drafted(self._session.follower.root, statement)
        for assertion in assertions:
            drafted.speaks(assertion)
        return Drafted(drafted, assertions, opened_by)
