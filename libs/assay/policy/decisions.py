"""What is asked of policy and what it answers; one shape for every engine.

An engine says only how a question reaches the rules (`OpaHttp`, `OpaWasm`). What counts as an answer is
decided here, once: a malformed decision is no decision, and anything but a clear `true` is a refusal.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeGuard

from assay.errors import Forbidden, Unavailable
from assay.policy.log import DecisionLog
from assay.policy.subject import Subject, subject_document

AUTHZ: Final = "assay/authz/decision"
GATE: Final = "assay/gate/verdict"
RIGHTS: Final = "assay/rights/table"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Undefined(Unavailable):
    """The policy has no such rule, or the rule says nothing of the question: nobody is allowed by silence."""

    fix = "start the part that evaluates policy on infra/opa, at the revision that is in force"


@dataclass(frozen=True)
class Decision:
    """Whether an action is allowed, by which rule, why, what would allow it, and the policy that said so."""

    allow: bool
    rule: str
    reason: str
    fix: str
    revision: str


@dataclass(frozen=True)
class GateVerdict:
    """Whether a version may enter an environment; `missing` lists {"what", "how"}: none when it passed.

    `outcome` is pass, fail (something was measured and is outside its bound) or inconclusive (something is missing).
    `runs_seconds` is how long an endpoint may answer on one rollout, from when it was made; None: no rule ends it.
    """

    passed: bool
    missing: list[dict[str, str]]
    rule: str
    revision: str
    outcome: str
    runs_seconds: int | None = None


class Policy(Protocol):
    """Who may do what, and which version may go where."""

    def decide(
        self, action: str, caller: Mapping[str, Any], resource: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Decision:
        """Return the decision on a subject document; raises Unavailable when there is no clear answer."""

    def require(
        self,
        action: str,
        caller: Subject,
        resource: Mapping[str, Any] = NOTHING,
        **context: Any,  # noqa: ANN401 - JSON members
    ) -> None:
        """Return when `caller` may do `action`; raises Forbidden with rule and fix, or Unavailable."""

    def gate(self, question: Mapping[str, Any], /) -> GateVerdict:
        """Judge a version's evidence and approvals for an environment; raises Unavailable like `decide`."""


class Believed(Protocol):
    """Which revision's answers count: `assay.policy.force.InForce`."""

    def require(self, revision: str, *, newest: bool = False) -> None:
        """Return when an answer by this revision counts; raises Unavailable."""


@dataclass(frozen=True)
class Answer:
    """What a rule said: any JSON value, and the revision of the policy it belongs to."""

    result: Any
    revision: str


class PolicyEngine(ABC):
    """A `Policy` over anything that answers questions put to a path.

    `force` says which revision's answers count (the follower's); `expected` names the only one that does.
    A decision may come of the policy before within its lease; a gate is judged by the newest alone.
    """

    def __init__(
        self,
        *,
        expected: Callable[[], str] | None = None,
        force: Believed | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._expected = expected
        self._force = force
        self._clock = clock
        self.log: DecisionLog | None = None

    @abstractmethod
    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """Put a question to the rule at `path`; raises Undefined when it is silent, Unavailable when it fails."""

    def decide(
        self, action: str, caller: Mapping[str, Any], resource: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Decision:
        """See `Policy.decide`."""
        began = time.perf_counter()
        answer = self._believed(
            AUTHZ,
            {"subject": dict(caller), "action": action, "resource": dict(resource), "context": dict(context)},
        )
        match answer.result:
            case {"allow": bool(allow), "rule": str(rule), "reason": str(reason), "fix": str(fix)}:
                if self.log is not None:
                    took = time.perf_counter() - began
                    self.log.note(
                        caller,
                        action,
                        resource,
                        allow=allow,
                        rule=rule,
                        revision=answer.revision,
                        seconds=took,
                    )
                return Decision(allow, rule, reason, fix, answer.revision)
        raise Unavailable(f"policy gave no decision on {action}: {str(answer.result)[:200]}")

    def require(
        self,
        action: str,
        caller: Subject,
        resource: Mapping[str, Any] = NOTHING,
        **context: Any,  # noqa: ANN401 - JSON members
    ) -> None:
        """See `Policy.require`."""
        decision = self.decide(
            action, subject_document(caller), resource, {"time_ns": self._clock(), **context}
        )
        if decision.allow is not True:
            raise Forbidden(
                f"{action}: {decision.reason}", fix=decision.fix, rule=decision.rule, policy=decision.revision
            )

    def gate(self, question: Mapping[str, Any], /) -> GateVerdict:
        """See `Policy.gate`."""
        answer = self._believed(GATE, question, newest=True)
        match answer.result:
            case {
                "passed": bool(passed),
                "outcome": str(outcome),
                "missing": list(missing),
                "rule": str(rule),
                **more,
            } if _agree(passed, outcome, missing) and _is_time(runs := more.get("runs_seconds")):
                return GateVerdict(passed, missing, rule, answer.revision, outcome, runs)
        raise Unavailable(f"policy gave no verdict: {str(answer.result)[:200]}")

    def _believed(self, path: str, question: Mapping[str, Any], *, newest: bool = False) -> Answer:
        answer = self.ask(path, question)
        if self._force is not None:
            self._force.require(answer.revision, newest=newest)
        if self._expected is not None and (expected := self._expected()) != answer.revision:
            raise Unavailable(
                f"policy {answer.revision[:12]} answered, and {expected[:12]} is in force",
                fix="restart the part that evaluates policy; it loads the revision that is in force",
            )
        return answer


def _agree(passed: object, outcome: str, missing: list[object]) -> bool:
    """Say whether the parts of a verdict say the same: it passed exactly when nothing is missing."""
    fitting = {"pass"} if passed is True else {"fail", "inconclusive"}
    return passed is not bool(missing) and outcome in fitting and all(_is_missing(entry) for entry in missing)


def _is_time(seconds: object) -> TypeGuard[int | None]:
    """Say whether a verdict names a time that may run, or none."""
    return seconds is None or (type(seconds) is int and seconds > 0)


def _is_missing(entry: object) -> bool:
    match entry:
        case {"what": str(), "how": str()}:
            return True
    return False
