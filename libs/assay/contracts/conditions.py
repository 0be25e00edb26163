"""Limits an approver adds to an approval: a closed vocabulary in one spelling, judged by `infra/opa/gate.rego`.

    {}                                        none
    {"endpoints": ["credit", "credit-eu"]}    it counts for these endpoints of its environment, and for nothing else
    {"until": 1798761600}                     nothing moves or answers on it from then on; seconds since 1970

What is not in the list is refused by name, by whoever reads it: a limit nobody can hold is no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from assay.contracts.names import check_name
from assay.errors import ConditionRefused

ENDPOINTS: Final = "endpoints"
UNTIL: Final = "until"
VOCABULARY: Final = (ENDPOINTS, UNTIL)
MOST_ENDPOINTS: Final = 20
LATEST: Final = 4_102_444_800  # 2100-01-01: a limit later than that is none
SECOND: Final = 1_000_000_000  # nanoseconds


@dataclass(frozen=True)
class Conditions:
    """What an approval counts for: `endpoints` (any, where none is named), `until` in seconds since 1970 (no end)."""

    endpoints: tuple[str, ...] = ()
    until: int | None = None

    def __post_init__(self) -> None:
        if list(self.endpoints) != sorted(set(self.endpoints)) or len(self.endpoints) > MOST_ENDPOINTS:
            raise ConditionRefused(f"endpoints are named once each, in order, {MOST_ENDPOINTS} at most")
        for name in self.endpoints:
            check_name(name, "endpoint")
        if self.until is not None and not (type(self.until) is int and 0 < self.until <= LATEST):
            raise ConditionRefused(
                f"until {str(self.until)[:40]!r} is no time in seconds before the year 2100"
            )

    @classmethod
    def read(cls, said: object) -> Self:
        """Read the member `conditions` of a statement.

        Raises:
            ConditionRefused: it holds a condition that is not in the vocabulary, or one in another spelling.
        """
        if not isinstance(said, Mapping):
            raise ConditionRefused("conditions are an object; {} says none")
        if unknown := sorted(set(said) - set(VOCABULARY)):
            raise ConditionRefused(f"nobody judges the condition {unknown[0][:40]!r}")
        endpoints = said.get(ENDPOINTS, ())
        if not isinstance(endpoints, list | tuple) or not all(isinstance(name, str) for name in endpoints):
            raise ConditionRefused("endpoints are a list of names")
        if (ENDPOINTS in said and not endpoints) or (UNTIL in said and said[UNTIL] is None):
            raise ConditionRefused("a condition that limits nothing is left out")
        return cls(tuple(endpoints), said.get(UNTIL))

    @classmethod
    def of(cls, endpoints: tuple[str, ...] | list[str], until: datetime | None) -> Self:
        """Return the conditions somebody asked for, in any order; raises ConditionRefused."""
        if until is not None and until.tzinfo is None:
            raise ConditionRefused("until names no time zone")
        return cls(tuple(sorted(set(endpoints))), None if until is None else int(until.timestamp()))

    def to_json(self) -> dict[str, Any]:
        """Return the member as a statement carries it."""
        found: dict[str, Any] = {ENDPOINTS: list(self.endpoints)} if self.endpoints else {}
        return found | ({UNTIL: self.until} if self.until is not None else {})

    def words(self) -> list[str]:
        """Return each condition in words."""
        found = [f"only on endpoint {' or '.join(self.endpoints)}"] if self.endpoints else []
        return found + ([f"only until {self.ends}"] if self.until is not None else [])

    @property
    def ends(self) -> str:
        """When it ends, in words; "" for never."""
        if self.until is None:
            return ""
        return datetime.fromtimestamp(self.until, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    def unmet(self, endpoint: str | None, now_ns: int) -> list[str]:
        """Return in words what stands in the way there and then; for who has no rules to judge by."""
        found = (
            Conditions(self.endpoints).words() if self.endpoints and endpoint not in self.endpoints else []
        )
        ended = self.until is not None and now_ns >= self.until * SECOND
        return found + (Conditions(until=self.until).words() if ended else [])
