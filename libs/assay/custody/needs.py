"""What a file of proofs has to hold so that people's words can be counted from it: asked of the log and of the file.

Whoever exports asks the log and proves the answer; whoever verifies asks the file the same, and demands exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts import Approval, Delegation, body_of
from assay.custody.chain import delegations_under, revoked_person
from assay.custody.delegations import after
from assay.custody.errors import ChainBroken
from assay.custody.facts import Facts
from assay.identity.statements import credential_about, role_about

if TYPE_CHECKING:
    from assay.ledger import Record


@dataclass(frozen=True)
class Needs:
    """What a file has to prove: facts, what is not revoked, and which facts are the newest."""

    records: Mapping[str, Record]
    people: tuple[Record, ...]  # credential, role and policy facts among the records
    revocation_keys: tuple[str, ...]
    heads: tuple[str, ...]


@dataclass(frozen=True)
class Spoken:
    """What stands behind people's words: heads to prove, facts about the people, what they said before."""

    heads: tuple[str, ...]
    people: tuple[Record, ...]
    before: tuple[Record, ...]
    keys: tuple[str, ...] = ()  # of those who are away, who must not be revoked


def spoken(facts: Facts, words: Sequence[Record]) -> Spoken:
    """Return what has to be shown beside approvals, rejections and withdrawals so that each can be counted."""
    heads: dict[str, None] = {}
    people: list[Record] = []
    before: list[Record] = []
    for word in words:
        assertion = body_of(word.fact, Approval).assertion
        abouts = [credential_about(assertion.person, assertion.credential_id)]
        abouts.append(role_about(word.fact.tenant, assertion.person, str(assertion.statement["role"])))
        for record in delegations_under(facts, [word]):
            said = body_of(record.fact, Delegation)
            abouts.append(credential_about(said.person, said.assertion.credential_id))
            abouts.append(role_about(word.fact.tenant, said.person, said.role))
            own = f"{word.about.rpartition('/')[0]}/{said.person}"
            heads |= {record.about: None, own: None}
            before += [record, *after(facts, record)]
            before += [] if (spoke := facts.head(own)) is None else [spoke]
        heads.update(dict.fromkeys([word.about, *abouts]))
        people += [head for about in abouts if (head := facts.head(about)) is not None]
        before += _before(facts, word)
    gone = [body_of(record.fact, Delegation).person for record in delegations_under(facts, words)]
    keys = tuple(revoked_person(person) for person in dict.fromkeys(gone))
    return Spoken(tuple(heads), tuple(people), tuple(before), keys)


def _before(facts: Facts, word: Record) -> list[Record]:
    """Return what the same person said before about the same version: nothing may be said twice."""
    found: list[Record] = []
    previous = word.fact.previous
    while previous is not None:
        record = facts.record(previous)
        if record is None:
            raise ChainBroken(f"{word.about} names fact {previous[:12]}, which is not there")
        found.append(record)
        previous = record.fact.previous
    return found
