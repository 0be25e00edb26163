"""Asking people to decide: requests, what is said about them, and what waits for whom.

A request is no fact and decides nothing: it names a version and an environment, says why and until when, and ends
by itself once that is decided. What people sign is `deciding`'s; what counts is the ledger's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

from assay.contracts import Delegation, Environment, FactKind, body_of, new_id
from assay.custody import Judgement
from assay.custody.errors import WrongSubject
from assay.errors import ServiceError
from assay.identity.statements import DECIDERS
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.delegating import lent
from services.registry.domain import WordRow
from services.registry.errors import (
    AlreadyAsked,
    BadComment,
    DuePassed,
    NotYours,
    RequestEnded,
    UnknownRequest,
)
from services.registry.usecases import Registry, person_of

ADMINISTRATOR: Final = "administrator"
LONGEST: Final = 2000  # characters of a note or comment
MOST_SHOWN: Final = 500
WORDS: Final = frozenset({FactKind.APPROVAL, FactKind.REJECTION})


@dataclass(frozen=True)
class ApprovalRequest:
    """Somebody asks that a version be let into an environment. Times are RFC 3339 in UTC; `by` is a person."""

    id: str
    model: str
    number: int
    environment: str
    package: str
    note: str
    due: str | None
    by: str
    time: str
    withdrawn: str | None = None

    def word_of(self, person: str) -> str:
        """Return what a person's word about what is asked is about."""
        return f"approval/{self.model}/{self.number}/{self.environment}/{person}"

    def same_as(self, other: Self) -> bool:
        """Say whether another asks for the very same: a second click."""
        return (self.note, self.due) == (other.note, other.due)

    def require_about(self, statement: Mapping[str, Any]) -> None:
        """Return when a statement speaks of what is asked; raises WrongSubject."""
        asked = (self.model, self.number, self.environment)
        if tuple(statement.get(member) for member in ("model", "number", "environment")) != asked:
            raise WrongSubject(f"{self.id} asks about {self.model} v{self.number} for {self.environment}")


@dataclass(frozen=True)
class Comment:
    """What somebody wrote about a version, within a request or not. A `question` waits for whoever asked."""

    id: str
    model: str
    number: int
    request: str
    by: str
    time: str
    text: str
    question: bool = False


@dataclass(frozen=True)
class Standing:
    """How a request stands now.

    `said` are approvals that count, and rejections since it was asked. `state` is open, asked (a question waits),
    approved, rejected, expired, withdrawn or stopped (the version may not be used at all; `why` says it). `judgement`
    is None when it is stopped.
    """

    request: ApprovalRequest
    state: str
    judgement: Judgement | None
    said: Sequence[Record]
    comments: Sequence[Comment]
    why: str = ""

    @property
    def ended(self) -> bool:
        """Nobody is asked any more."""
        return self.state not in {"open", "asked"}

    def waits_for(self, person: str, roles: frozenset[str]) -> bool:
        """Say whether this person still may decide: by role, no contributor, and nothing said since."""
        if self.ended or self.judgement is None or not roles & DECIDERS:
            return False
        return person not in self.judgement.chain.contributors and person not in self.have_said

    @property
    def have_said(self) -> frozenset[str]:
        """Who said yes or no, by their last word."""
        return frozenset(WordRow.of(record).person for record in self.said)


class Drafts(Protocol):
    """Where requests and comments are kept: no facts, so a lost one is asked again."""

    def put(self, request: ApprovalRequest) -> None:
        """Keep a request, in the place of the one with its id."""

    def find(self, request: str) -> ApprovalRequest | None:
        """Return a request by id."""

    def of(self, model: str, number: int) -> Sequence[ApprovalRequest]:
        """Return a version's requests, oldest first."""

    def newest(self, most: int) -> Sequence[ApprovalRequest]:
        """Return the newest requests that were not withdrawn, newest first."""

    def say(self, comment: Comment) -> None:
        """Keep a comment."""

    def said(self, model: str, number: int) -> Sequence[Comment]:
        """Return what was written about a version, oldest first."""


@dataclass(frozen=True)
class Asking:
    """Requests and comments; `clock` gives seconds since 1970."""

    registry: Registry
    drafts: Drafts
    clock: Callable[[], float]

    def request(
        self,
        model: str,
        number: int,
        environment: Environment,
        *,
        note: str,
        due: datetime | None = None,
        by: Caller,
    ) -> Standing:
        """Ask approvers to decide about a version; the very same again is the request that stands.

        Raises:
            NotYours: a service asks for nobody. DuePassed: it would be too late at once.
            AlreadyAsked: this person's earlier request for the same stands, with other words.
            ChainBroken, ChainRevoked, WrongSubject: the version may not be used at all.
        """
        person = person_of(by)
        judgement = self.registry.judged_somewhere(model, number, environment)
        asked = ApprovalRequest(
            id=new_id("q"),
            model=model,
            number=number,
            environment=environment.value,
            package=judgement.chain.body.package,
            note=written(note, least=0),
            due=self._due(due),
            by=person,
            time=self.registry.now(),
        )
        for other in self.drafts.of(model, number):
            if (other.by, other.environment) == (person, environment.value) and not self._how(other).ended:
                if asked.same_as(other):
                    return self._how(other)
                raise AlreadyAsked(f"{other.id} by {person} asks the same, in other words")
        self.drafts.put(asked)
        return self._how(asked)

    def find(self, request: str) -> Standing:
        """Return how a request stands; raises UnknownRequest."""
        return self._how(self._kept(request))

    def of(self, model: str, number: int) -> list[Standing]:
        """Return how a version's requests stand, oldest first."""
        self.registry.believed.version(model, number)
        return [self._how(one) for one in self.drafts.of(model, number)]

    def waiting(self, by: Caller) -> list[Standing]:
        """Return what waits for this person: what they may decide, and questions to what they asked; due first."""
        person = person_of(by)
        found = [self._how(one) for one in self.drafts.newest(MOST_SHOWN)]
        mine = [
            one
            for one in found
            if one.waits_for(person, self.roles(by, one.request))
            or (one.state == "asked" and one.request.by == person)
        ]
        return sorted(mine, key=lambda one: (one.request.due or "9999", one.request.time))

    def roles(self, by: Caller, asked: ApprovalRequest) -> frozenset[str]:
        """Return the roles a person may decide in: their own, and of people who are away and said nothing there."""
        return by.roles | {role for role, _ in self.voices(by, asked)}

    def voices(self, by: Caller, asked: ApprovalRequest) -> list[tuple[str, str]]:
        """Return how a person may decide: (role, "") in their own, (role, person) for who is away and silent there."""
        found = [body_of(one.fact, Delegation) for one in lent(self.registry, person_of(by))]
        others = [
            (body.role, body.person)
            for body in found
            if body.role not in by.roles and self.registry.log.head(asked.word_of(body.person)) is None
        ]
        return [*((role, "") for role in sorted(by.roles & DECIDERS)), *sorted(others)]

    def asked_by(self, by: Caller) -> list[Standing]:
        """Return what this person asked for, newest first."""
        person = person_of(by)
        return [self._how(one) for one in self.drafts.newest(MOST_SHOWN) if one.by == person]

    def withdraw(self, request: str, *, by: Caller) -> Standing:
        """Take a request back; whoever asked may, and an administrator.

        Raises:
            NotYours: somebody else's. RequestEnded: nobody is asked any more.
        """
        kept, person = self._kept(request), person_of(by)
        if kept.by != person and ADMINISTRATOR not in by.roles:
            raise NotYours(
                f"{request} was asked by {kept.by}", fix="only who asked, or an administrator, withdraws it"
            )
        self._open(kept)
        self.drafts.put(replace(kept, withdrawn=self.registry.now()))
        return self.find(request)

    def question(self, request: str, text: str, *, by: Caller) -> Standing:
        """Ask whoever asked, instead of deciding; raises RequestEnded when nobody is asked any more."""
        kept = self._kept(request)
        self._open(kept)
        self._say(kept.model, kept.number, text, request=request, question=kept.by != by.person, by=by)
        return self.find(request)

    def comment(self, model: str, number: int, text: str, *, by: Caller, request: str = "") -> Comment:
        """Write about a version; within a request it answers a question when whoever asked writes it."""
        self.registry.believed.version(model, number)
        if request and (kept := self._kept(request)) and (kept.model, kept.number) != (model, number):
            raise UnknownRequest(f"{request} is about {kept.model} v{kept.number}")
        return self._say(model, number, text, request=request, question=False, by=by)

    def comments(self, model: str, number: int) -> Sequence[Comment]:
        """Return what was written about a version, oldest first."""
        self.registry.believed.version(model, number)
        return self.drafts.said(model, number)

    def _say(
        self, model: str, number: int, text: str, *, request: str, question: bool, by: Caller
    ) -> Comment:
        comment = Comment(
            id=new_id("c"),
            model=model,
            number=number,
            request=request,
            by=person_of(by),
            time=self.registry.now(),
            text=written(text, least=1),
            question=question,
        )
        self.drafts.say(comment)
        return comment

    def _kept(self, request: str) -> ApprovalRequest:
        kept = self.drafts.find(request)
        if kept is None:
            raise UnknownRequest(f"there is no request {request[:40]!r}")
        return kept

    def _open(self, kept: ApprovalRequest) -> None:
        standing = self._how(kept)
        if standing.ended:
            raise RequestEnded(f"{kept.id} is {standing.state}")

    def _how(self, kept: ApprovalRequest) -> Standing:
        comments = [one for one in self.drafts.said(kept.model, kept.number) if one.request == kept.id]
        environment = Environment(kept.environment)
        said = [
            record
            for record in self.registry.believed.words(kept.model, kept.number)
            if record.fact.environment is environment and record.kind in WORDS
        ]
        said = [one for one in said if one.kind is FactKind.APPROVAL or _since(one, kept)]
        try:
            judgement = self.registry.judged_somewhere(kept.model, kept.number, environment)
        except ServiceError as error:
            state = "withdrawn" if kept.withdrawn else "stopped"
            return Standing(kept, state, None, said, comments, why=error.detail)
        elsewhere = {one.record.digest for one in judgement.limited if one.conditions.endpoints}
        said = [one for one in said if one.digest not in judgement.dropped or one.digest in elsewhere]
        return Standing(kept, self._state(kept, judgement, said, comments), judgement, said, comments)

    def _state(
        self,
        kept: ApprovalRequest,
        judgement: Judgement,
        said: Sequence[Record],
        comments: Sequence[Comment],
    ) -> str:
        if kept.withdrawn:
            return "withdrawn"
        if judgement.verdict.passed:
            return "approved"
        if any(one.kind is FactKind.REJECTION for one in said):
            return "rejected"
        if kept.due is not None and _seconds(kept.due) <= self.clock():
            return "expired"
        return "asked" if comments and comments[-1].question else "open"

    def _due(self, due: datetime | None) -> str | None:
        if due is None:
            return None
        if due.tzinfo is None or due.timestamp() <= self.clock():
            raise DuePassed(f"{due.isoformat()} is not to come, or names no time zone")
        try:
            return due.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        except OverflowError as error:
            raise DuePassed(f"{due.isoformat()} is beyond the last day there is") from error


def written(text: str, *, least: int) -> str:
    """Return what somebody wrote, without blanks around; raises BadComment when it is empty or too long."""
    plain = text.strip().replace("\r\n", "\n")
    shown = all(letter.isprintable() or letter in "\n\t" for letter in plain)
    if not least <= len(plain) <= LONGEST or not shown:
        raise BadComment(f"{len(plain)} characters, or some that cannot be shown")
    return plain


def _since(word: Record, kept: ApprovalRequest) -> bool:
    return _seconds(word.fact.time) >= _seconds(kept.time)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
