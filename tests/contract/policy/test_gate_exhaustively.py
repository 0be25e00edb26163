"""The gate over every small world: it passes exactly where enough different people who may have said yes.

The rule is written a second time here, in Python, and compared on all worlds of three people. Where `opa` is
found, the rules are also broken on purpose, one at a time, and each break is found.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from assay.policy import OpaWasm
from assay_laptop.opa.build import compiled
from assay_laptop.opa.launch import folder

NOW: Final = 1_800_000_000_000_000_000
SECOND: Final = 1_000_000_000
HOUR: Final = 3_600_000_000_000
PEOPLE: Final = ("p-amir", "p-bea", "p-carl")
FIGURES: Final = {"auc": 0.9, "ece": 0.01, "n": 5000, "worst_auc_gap": 0.01}
GATES: Final = {("limited", "prod"): 2, ("low", "prod"): 1}  # how many people by role `approver`
SAID: Final[dict[str, dict[str, Any] | None]] = {
    "nothing": None,
    "yes": {},
    "yes, until an hour ago": {"expires_ns": NOW - HOUR},
    "yes, until now": {"expires_ns": NOW},
    "yes, from tomorrow": {"not_before_ns": NOW + 24 * HOUR},
    "something that does not verify": {"valid": False},
    "yes, if": {"conditions": {"share": 0.1}},
    "yes, here": {"conditions": {"endpoints": ["cards", "credit"], "until": NOW // SECOND + 1}},
    "yes, elsewhere": {"conditions": {"endpoints": ["cards"]}},
    "yes, while it lasted": {"conditions": {"until": NOW // SECOND}},
    "yes, as risk": {"role": "risk"},
    "yes, without holding the role": {"roles": ["reader"]},
}
COUNTS: Final = {"yes", "yes, here"}


def question(
    tier: str, environment: str, said: tuple[str, ...], contributors: tuple[str, ...]
) -> dict[str, Any]:
    """Return a question whose evidence is complete, so that approvals alone decide."""
    kinds = ("run", "signature", "evaluation", "card", "fairness")
    return {
        "model": "credit-default",
        "number": 1,
        "tier": tier,
        "environment": environment,
        "evidence": [
            {"kind": kind, "digest": "ab" * 32, "verified": True, "metrics": FIGURES, "expires_ns": None}
            for kind in kinds
        ],
        "approvals": [
            _approval(person, SAID[word])
            for person, word in zip(PEOPLE, said, strict=True)
            if SAID[word] is not None
        ],
        "contributors": ["p-dana", *contributors],
        "earlier": [],
        "time_ns": NOW,
        "now_ns": NOW,
        "endpoint": "credit",
    }


def _approval(person: str, changed: dict[str, Any] | None) -> dict[str, Any]:
    said = {"person": person, "role": "approver", "roles": ["approver"], "digest": "cd" * 32, "valid": True}
    times = {"not_before_ns": NOW - HOUR, "expires_ns": NOW + HOUR}
    return {**said, **times, "conditions": {}, **(changed or {})}


def should_pass(needed: int, said: tuple[str, ...], contributors: tuple[str, ...]) -> bool:
    """The invariant: m different people, none of whom had a hand in it, said yes, and it holds now."""
    counted = {p for p, word in zip(PEOPLE, said, strict=True) if word in COUNTS and p not in contributors}
    return len(counted) >= needed


def worlds() -> Iterator[tuple[tuple[str, str], tuple[str, ...], tuple[str, ...]]]:
    """Yield every gate, everything three people may have said, and every set of them that contributed."""
    sets = [
        tuple(p for p, there in zip(PEOPLE, bits, strict=True) if there) for bits in product((0, 1), repeat=3)
    ]
    yield from product(GATES, product(SAID, repeat=len(PEOPLE)), sets)


def wrong(rules: OpaWasm, *, at_most: int = 10**9) -> list[object]:
    """Return the worlds on which the rules and the invariant differ."""
    found: list[object] = []
    for gate, said, contributors in worlds():
        verdict = rules.gate(question(*gate, said, contributors))
        if verdict.passed is not should_pass(GATES[gate], said, contributors):
            found.append((gate, said, contributors))
            if len(found) >= at_most:
                break
    return found


def ran_too_long(rules: OpaWasm) -> bool:
    """Whether what was rolled out a year ago may go on, for which everybody signed without an end."""
    asked = question("limited", "prod", ("yes", "yes", "yes"), ())
    return rules.gate({**asked, "now_ns": NOW + 365 * 24 * HOUR}).passed


def test_the_gate_passes_exactly_where_enough_different_people_said_yes() -> None:
    rules = OpaWasm(folder() / "policy.wasm")
    assert not ran_too_long(rules)
    assert wrong(rules) == []
    assert sum(1 for _ in worlds()) == len(GATES) * len(SAID) ** 3 * 8


BREAKS: Final = {
    "contributors count": (
        (
            "\tnot contributed(approval.person)\n\twhose := holder(approval)\n"
            "\tis_string(whose)\n\tnot contributed(whose)\n"
        ),
        "",
    ),
    "one is enough": ("counted(need.role) >= need.people", "counted(need.role) >= 1"),
    "what does not verify counts": ("\tapproval.valid == true\n", ""),
    "a role that is not held counts": ("\tapproval.role in approval.roles\n", ""),
    "what has ended counts": (
        "input.time_ns < approval.expires_ns",
        "input.time_ns < approval.expires_ns + 1",
    ),
    "what has not begun counts": ("\tbegun(approval)\n", ""),
    "conditions are overlooked": ("\tconditioned(approval)\n", ""),
    "any endpoint will do": ("\tinput.endpoint in approval.conditions.endpoints\n", ""),
    "what was limited to a moment goes on": (
        "\tinput.now_ns < approval.conditions.until * limits.second\n",
        "",
    ),
    "what is running runs for ever": (
        "\tinput.now_ns < input.time_ns + (signing.runs_days * limits.day)\n",
        "",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_rule_that_is_broken_on_purpose_is_found(name: str, opa: Path, tmp_path: Path) -> None:
    before, after = BREAKS[name]
    for path in folder().iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    rules = tmp_path / "gate.rego"
    assert before in rules.read_text(), "the rule is written another way by now: break that"
    rules.write_text(rules.read_text().replace(before, after))
    broken = tmp_path / "policy.wasm"
    broken.write_bytes(compiled(opa, tmp_path))
    assert ran_too_long(OpaWasm(broken)) or wrong(OpaWasm(broken), at_most=1)
