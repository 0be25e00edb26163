"""Why a decision is as it is, and the smallest change that would make it another; each change was tried on the rules.

A change is an edit of the question, said in words and as data: `{"path", "set"}`, `{"path", "add"}` or
`{"path", "remove"}`. What is listed here was decided anew with exactly that edit, so it is true of this policy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from assay.contracts import Environment
from assay.policy.decisions import Decision, Policy

MOST_TOGETHER: Final = 3  # edits that are tried together
MOST_SHOWN: Final = 12
SOMEBODY: Final = "p-somebody"
Question = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One edit of a question, in words and as data."""

    words: str
    path: str
    how: str  # set, add or remove
    value: Any

    def applied(self, question: Question) -> dict[str, Any]:
        """Return the question with this edit."""
        changed = copy.deepcopy(dict(question))
        *parents, name = self.path.split(".")
        place = changed
        for parent in parents:
            found = place.get(parent)
            place[parent] = found if isinstance(found, dict) else {}
            place = place[parent]
        held = place.get(name)
        if self.how == "set":
            place[name] = self.value
        elif self.how == "add":
            place[name] = sorted({*_texts(held), self.value})
        else:
            place[name] = [each for each in _texts(held) if each != self.value]
        return changed

    def to_json(self) -> dict[str, Any]:
        """Return the edit as data."""
        return {"path": self.path, self.how: self.value}


@dataclass(frozen=True)
class Explanation:
    """A decision and what would turn it: each of `changes` is enough, and all of it is needed."""

    question: dict[str, Any]
    decision: Decision
    changes: tuple[tuple[Change, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "question": self.question,
            "decision": dict(vars(self.decision)),
            "changes": [
                {"words": _together(each), "edits": [change.to_json() for change in each]}
                for each in self.changes
            ],
        }

    def words(self) -> list[str]:
        """Return it for people, a line each."""
        asked = self.question["action"]
        said = "allowed" if self.decision.allow else "refused"
        lines = [f"{said}: {asked}, by rule {self.decision.rule} of policy {self.decision.revision[:12]}"]
        lines.append(f"  {self.decision.reason}")
        if self.decision.fix:
            lines.append(f"  fix: {self.decision.fix}")
        turn = "it would be refused with" if self.decision.allow else "it would be allowed with"
        lines += [f"  {turn} {_together(each)}" for each in self.changes]
        if not self.changes:
            lines.append("  no change of role, grant, owner, run, tenant, sign-in or environment turns it")
        return lines


def explain(policy: Policy, question: Question, *, roles: Sequence[str]) -> Explanation:
    """Explain a decision on a question (`subject`, `action`, `resource`, `context`) by a policy.

    `roles` are those the policy speaks of: see `assay.policy.preview.rights_of`.
    """
    decision = _decided(policy, question)
    candidates = list(_losses(question) if decision.allow else _gains(question, roles))
    for size in range(1, MOST_TOGETHER + 1):
        found = [
            each
            for each in combinations(candidates, size)
            if len({change.path for change in each}) == size
            and _decided(policy, _edited(question, each)).allow is not decision.allow
        ]
        if found:
            return Explanation(dict(question), decision, tuple(found[:MOST_SHOWN]))
    return Explanation(dict(question), decision, ())


def roles_in(table: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return every role that a table of rights speaks of."""
    return sorted({role for row in table.values() for role in row.get("people", [])} - {"*"})


def _decided(policy: Policy, question: Question) -> Decision:
    return policy.decide(question["action"], question["subject"], question["resource"], question["context"])


def _edited(question: Question, changes: Sequence[Change]) -> dict[str, Any]:
    edited = dict(question)
    for change in changes:
        edited = change.applied(edited)
    return edited


def _gains(question: Question, roles: Sequence[str]) -> Iterator[Change]:
    """Yield what a caller could come to have or ask for; nobody is made somebody else."""
    subject = question["subject"]
    service = subject.get("kind") == "service"
    if subject.get("person") is not None or service:
        memberships = [f"project-{each}" for each in _texts(question["resource"].get("projects"))]
        for role in (*roles, *memberships):
            if role not in _texts(subject.get("roles")):
                yield Change(f"the role {role}", "subject.roles", "add", role)
    if service:
        yield from _delegations(subject, question["action"])
    if subject.get("grant") is not None:
        yield Change("no grant", "subject.grant", "set", None)
    yield from _owned(subject)
    yield from _circumstances(question)


def _delegations(subject: Mapping[str, Any], action: str) -> Iterator[Change]:
    if subject.get("person") is None:
        yield Change("a person who is acted for", "subject.person", "set", SOMEBODY)
    yield Change(f"a grant that lists {action}", "subject.grant", "set", {"actions": [action]})


def _owned(subject: Mapping[str, Any]) -> Iterator[Change]:
    for owner in (subject.get("person"), subject.get("identity")):
        if owner is not None:
            yield Change(f"a resource owned by {owner}", "resource.owner", "set", owner)
    if subject.get("run") is not None:
        yield Change("a resource of its own run", "resource.run", "set", subject["run"])


def _circumstances(question: Question) -> Iterator[Change]:
    subject = question["subject"]
    if subject.get("platform") is not True:
        yield Change("a request in the platform's own tenant", "subject.platform", "set", True)
    if subject.get("tenant"):
        yield Change("a resource of its own tenant", "resource.tenant", "set", subject["tenant"])
    if subject.get("kind") == "person":
        now = question["context"].get("time_ns")
        yield Change("a sign-in of this moment", "subject.signed_in_ns", "set", now)
    for part in ("resource", "context"):
        for environment in Environment:
            named = question[part].get("environment")
            if named is not None and named != environment.value:
                words = f"the environment {environment.value}"
                yield Change(words, f"{part}.environment", "set", environment.value)


def _losses(question: Question) -> Iterator[Change]:
    """Yield what an allowed caller could lose."""
    subject = question["subject"]
    for role in _texts(subject.get("roles")):
        yield Change(f"the role {role} ended", "subject.roles", "remove", role)
    if subject.get("grant") is not None:
        words = f"a grant that does not list {question['action']}"
        yield Change(words, "subject.grant.actions", "remove", question["action"])
        yield Change("no grant", "subject.grant", "set", None)
    if question["resource"].get("owner") is not None:
        yield Change("a resource somebody else owns", "resource.owner", "set", "nobody")
    if question["resource"].get("run") is not None:
        yield Change("a resource of another run", "resource.run", "set", "run-another")
    yield Change("a request outside the platform's own tenant", "subject.platform", "set", False)
    if subject.get("kind") == "person":
        yield Change("a sign-in of long ago", "subject.signed_in_ns", "set", 0)


def _texts(held: object) -> list[str]:
    return [each for each in held if isinstance(each, str)] if isinstance(held, list) else []


def _together(changes: Sequence[Change]) -> str:
    return " and ".join(change.words for change in changes)
