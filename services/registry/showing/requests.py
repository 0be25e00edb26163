"""A request, what the person who looks may say, and the sheet they would sign, as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import CredentialBound, Environment, FactKind, Version, body_of, canonical, sha256_hex
from assay.custody.approvals import said_conditions
from assay.identity.wording import delegation_in_words, in_words
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.asking import Standing
from services.registry.delegating import holder_of
from services.registry.domain import CHAMPION, AliasRow, WordRow, alias_about, standing_alias
from services.registry.usecases import Registry

REVOKERS: Final = frozenset({"administrator", "approver"})  # who is shown the link; policy decides


@dataclass(frozen=True)
class SaidWord:
    """What somebody said last, and why, and whether it still counts; `holder` is for whom, "" for themselves."""

    row: WordRow
    role: str
    reason: str
    time: str
    revoked: bool
    holder: str = ""
    conditions: Sequence[str] = ()


@dataclass(frozen=True)
class ShownRequest:
    """A request with what was said, and whether the alias names its version already."""

    standing: Standing
    words: Sequence[SaidWord]
    answers: bool


@dataclass(frozen=True)
class MaySay:
    """What one person may say about a request, and in which voices: (role, for whom), "" for themselves."""

    approve: bool
    reject: bool
    withdraw: bool
    revoke: bool
    voices: Sequence[tuple[str, str]]

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs, the first being the usual one."""
        known = {"approve": self.approve, "reject": self.reject, "withdraw": self.withdraw}
        return tuple(verb for verb, may in known.items() if may)


@dataclass(frozen=True)
class Sheet:
    """A statement before it is signed: its text, words and digest, and the passkeys that could sign it."""

    statement: Mapping[str, Any]
    text: str
    words: Sequence[tuple[str, str]]
    digest: str
    kinds: Mapping[str, str]  # of the evidence that stands now, by digest: no part of what is signed
    credentials: Sequence[str]
    rp_id: str
    left: Version | None = None  # the stricter version before, where the tier is lowered


def request_shown(registry: Registry, standing: Standing) -> ShownRequest:
    """Return a request as its page shows it."""
    asked = standing.request
    head = standing_alias(registry.log.head(alias_about(asked.environment, asked.model, CHAMPION)))
    answers = head is not None and AliasRow.of(head).number == asked.number
    words = registry.believed.words(asked.model, asked.number)
    here = [one for one in words if one.fact.environment is Environment(asked.environment)]
    return ShownRequest(standing, [_word(registry, one) for one in here], answers)


def may_say(registry: Registry, standing: Standing, by: Caller, voices: Sequence[tuple[str, str]]) -> MaySay:
    """Return what a person may say now, in these voices; what counts is decided when it is handed in."""
    person, asked = str(by.person), standing.request
    held = frozenset(role for role, _ in voices)
    head = registry.log.head(asked.word_of(person))
    approved = head is not None and head.kind is FactKind.APPROVAL
    if head is not None and approved and not voices:  # of a delegation that ended: taken back under the same
        said = head.fact.body["assertion"]["statement"]
        voices = [(str(said["role"]), holder_of(registry.log, said))]
    open_ = bool(held) and not standing.ended
    return MaySay(
        approve=standing.waits_for(person, held),
        reject=open_ and person not in standing.have_said,
        withdraw=bool(voices) and approved,
        revoke=bool(by.roles & REVOKERS),
        voices=tuple(voices),
    )


def sheet_shown(registry: Registry, statement: Mapping[str, Any]) -> Sheet:
    """Return the sheet of a statement, for the person it names."""
    text = canonical(statement)
    to = Environment(statement["environment"])
    judgement = registry.judged(str(statement["model"]), int(statement["number"]), to)
    return Sheet(
        statement=statement,
        text=text.decode(),
        words=in_words(statement, holder_of(registry.log, statement)),
        digest=sha256_hex(text),
        kinds=judgement.kinds,
        credentials=_credentials(registry, str(statement["person"])),
        rp_id=registry.root.rp_id,
        left=judgement.chain.left,
    )


def delegation_sheet(registry: Registry, statement: Mapping[str, Any]) -> Sheet:
    """Return the sheet of a delegation, for the person it names."""
    text = canonical(statement)
    return Sheet(
        statement=statement,
        text=text.decode(),
        words=delegation_in_words(statement),
        digest=sha256_hex(text),
        kinds={},
        credentials=_credentials(registry, str(statement["person"])),
        rp_id=registry.root.rp_id,
    )


def _credentials(registry: Registry, person: str) -> list[str]:
    """Return the ids of a person's passkeys that count."""
    bound = [body_of(one.fact, CredentialBound) for one in registry.log.records(FactKind.CREDENTIAL)]
    mine = {one.credential_id for one in (*registry.root.founders, *bound) if one.person == person}
    return sorted(each for each in mine if registry.log.credential(person, each) is not None)


def _word(registry: Registry, record: Record) -> SaidWord:
    statement = record.fact.body["assertion"]["statement"]
    return SaidWord(
        row=WordRow.of(record),
        role=str(statement.get("role", "")),
        reason=str(statement.get("reason", "")),
        time=record.fact.time,
        revoked=registry.log.revoked(record.digest) is not None,
        holder=holder_of(registry.log, statement),
        conditions=said_conditions(record).words(),
    )
