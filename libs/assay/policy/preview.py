"""What a policy would change: which decisions, for whom; and, by whoever has the facts, what it would stop.

A preview is a JSON document. Two administrators assert its digest when they activate the policy, so it holds nothing
that moves by itself: no time, no size of the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from assay.contracts import Environment, canonical, sha256_hex
from assay.errors import Unavailable
from assay.policy.asking import Asking
from assay.policy.decisions import RIGHTS, PolicyEngine
from assay.policy.subject import subject_document

TYPE: Final = "assay-policy-preview/v1"
PERSON: Final = "p-somebody"
RUN: Final = "run-somebody"


def document(
    *,
    before: str,
    after: str,
    bundle: str,
    stands: Sequence[Mapping[str, Any]] = (),
    decisions: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a preview: from one revision to another, what stands and how it is judged, which decisions change."""
    return {
        "type": TYPE,
        "from": before,
        "to": after,
        "bundle": bundle,
        "stands": list(stands),
        "decisions": list(decisions),
    }


def preview_digest(preview: Mapping[str, Any]) -> str:
    """Return what administrators assert of a preview."""
    return sha256_hex(canonical(dict(preview)))


def stopped(preview: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what stands now and would not by the new policy."""
    return [each for each in preview["stands"] if each["now"] == "passes" and each["then"] != "passes"]


def rights_of(engine: PolicyEngine) -> dict[str, dict[str, Any]]:
    """Return the table of rights of a policy, by action."""
    table = engine.ask(RIGHTS, {}).result
    if not isinstance(table, dict):
        raise Unavailable("the policy has no table of rights")
    return table


class Decided:
    """A policy and what it allows whom, each decided when it is first asked for: the same rules decide the same."""

    def __init__(self, engine: PolicyEngine) -> None:
        self.engine = engine
        self.revision = engine.ask(RIGHTS, {}).revision
        self.table = rights_of(engine)
        self._allowed: dict[tuple[str, Asking], bool] = {}

    def allows(self, action: str, caller: Asking) -> bool:
        """Say whether a caller may; raises Unavailable when the policy does not say."""
        if (action, caller) not in self._allowed:
            resource = {"owner": caller.person or str(caller.identity), "run": RUN, "path": {}}
            decision = self.engine.decide(action, subject_document(caller), resource, {"time_ns": 0})
            self._allowed[action, caller] = decision.allow
        return self._allowed[action, caller]


def changed_decisions(before: Decided | None, after: Decided) -> list[dict[str, Any]]:
    """Return which callers gain or lose which actions: `{action, caller, now, then}`, in order.

    Each asks for something of its own in the best circumstances: what is compared is the right, not one case.
    """
    tables = [policy.table for policy in (before, after) if policy is not None]
    actions = sorted({action for table in tables for action in table})
    roles = sorted(
        {role for table in tables for row in table.values() for role in row.get("people", [])} - {"*"}
    )
    services = sorted({s for table in tables for row in table.values() for s in _services(row)} - {"*"})
    found = []
    for action in actions:
        for name, caller in _callers(action, roles, services):
            now = before is not None and before.allows(action, caller)
            then = after.allows(action, caller)
            if now is not then:
                found.append({"action": action, "caller": name, "now": now, "then": then})
    return found


def _services(row: Mapping[str, Any]) -> list[str]:
    return [*row.get("services", []), *row.get("delegates", [])]


def _callers(action: str, roles: Sequence[str], services: Sequence[str]) -> Iterator[tuple[str, Asking]]:
    for role in ("", *roles):
        yield f"person with {role or 'no role'}", Asking.at(f"/people/{PERSON}", person=PERSON, role=role)
    for service in services:
        yield f"service {service}", Asking.at(f"/svc/core/{service}")
        for role in ("", *roles):
            name = f"service {service} for a person with {role or 'no role'}"
            yield name, Asking.at(f"/svc/core/{service}", person=PERSON, role=role, grants=action)
    yield "run", Asking.at(f"/run/{RUN}")
    yield "predictor", Asking.at(f"/svc/{Environment.PROD.value}/predictor/somebody")
