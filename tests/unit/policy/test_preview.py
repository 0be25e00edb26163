"""What a preview says a policy would change: each caller's own decision, whatever it is called there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.policy import Answer, PolicyEngine
from assay.policy.decisions import RIGHTS
from assay.policy.preview import Decided, changed_decisions


class Only(PolicyEngine):
    """Rules by which those with one role may do one thing; they count what they are asked."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role, self.asked = role, 0

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        if path == RIGHTS:
            return Answer({"registry/promote": {"people": ["approver", self.role]}}, "r1")
        self.asked += 1
        allow = self.role in question["subject"]["roles"]
        return Answer({"allow": allow, "rule": "r", "reason": "", "fix": ""}, "r1")


def test_two_callers_of_one_name_are_each_decided_for_themselves() -> None:
    changed = changed_decisions(None, Decided(Only("no role")))
    assert changed == [
        {"action": "registry/promote", "caller": "person with no role", "now": False, "then": True}
    ]


def test_rules_are_asked_once_for_each_caller_however_often_they_are_compared() -> None:
    rules = Only("operator")
    decided = Decided(rules)
    first = changed_decisions(None, decided)
    asked = rules.asked
    assert changed_decisions(None, decided) == first
    assert changed_decisions(decided, decided) == []
    assert rules.asked == asked > 0
