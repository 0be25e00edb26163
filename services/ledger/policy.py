"""Who may read: policy, in process. Who may append: the root, so the ledger needs nobody to take an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assay.policy import Decision, GateVerdict, Policy, Subject
from assay.policy.decisions import NOTHING

APPEND: Final = "ledger/append"


class RootDecidesAppends:
    """A `Policy` that leaves `ledger/append` to the root's list (`Log.submit`) and asks `reads` for the rest."""

    def __init__(self, reads: Policy) -> None:
        self._reads = reads

    def decide(
        self, action: str, caller: Mapping[str, Any], resource: Mapping[str, Any], context: Mapping[str, Any]
    ) -> Decision:
        """See `Policy.decide`."""
        return self._reads.decide(action, caller, resource, context)

    def require(
        self,
        action: str,
        caller: Subject,
        resource: Mapping[str, Any] = NOTHING,
        **context: Any,  # noqa: ANN401 - JSON members
    ) -> None:
        """See `Policy.require`; an append is decided by the root, on its envelope."""
        if action != APPEND:
            self._reads.require(action, caller, resource, **context)

    def gate(self, question: Mapping[str, Any], /) -> GateVerdict:
        """See `Policy.gate`."""
        return self._reads.gate(question)
