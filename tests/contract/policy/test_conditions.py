"""The rules and the vocabulary say the same of every condition: verifiers without rules read the vocabulary."""

from __future__ import annotations

from itertools import product

import pytest

from assay.contracts import Conditions
from assay.policy import OpaWasm
from assay_laptop.opa.launch import folder
from tests.contract.policy.test_gate_exhaustively import NOW, SECOND, question

LIMITS = [
    Conditions(names, until)
    for names, until in product(
        [(), ("credit",), ("cards",), ("cards", "credit")],
        [None, NOW // SECOND - 1, NOW // SECOND, NOW // SECOND + 1],
    )
]


@pytest.mark.parametrize("endpoint", [None, "cards", "credit", "credit-eu"])
def test_an_approval_counts_by_the_rules_exactly_where_none_of_its_conditions_is_unmet(
    endpoint: str | None,
) -> None:
    rules = OpaWasm(folder() / "policy.wasm")
    for limits, later in product(LIMITS, [0, 1, SECOND - 1, SECOND]):
        asked = question("low", "prod", ("yes", "nothing", "nothing"), ())
        asked["approvals"][0] |= {"conditions": limits.to_json(), "ends": limits.ends}
        verdict = rules.gate({**asked, "endpoint": endpoint, "now_ns": NOW + later})
        unmet = limits.unmet(endpoint, NOW + later)
        assert verdict.passed is not bool(unmet), (limits, later)
        missing = " ".join(each["how"] for each in verdict.missing)
        assert all(f"approved it {words}" in missing for words in unmet), missing
