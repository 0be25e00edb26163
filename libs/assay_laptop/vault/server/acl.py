"""Whether a token's policies allow a call: the most specific pattern decides, and without one the answer is no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from assay_laptop.vault.server.hcl import Rule

ROOT = "root"
NOTHING: Mapping[str, Any] = MappingProxyType({})


def allows(
    rules: Iterable[Rule],
    capability: str,
    path: str,
    wrap_seconds: int | None,
    parameters: Mapping[str, Any] = NOTHING,
) -> bool:
    """Return whether the rule that decides for `path` has the capability and accepts parameters and wrapping."""
    rule = deciding(rules, path)
    if rule is None or "deny" in rule.capabilities or capability not in rule.capabilities:
        return False
    if capability in {"create", "update"} and not _accepts(rule, parameters):
        return False
    if wrap_seconds is None:
        return not rule.min_wrapping and not rule.max_wrapping
    return rule.min_wrapping <= wrap_seconds <= (rule.max_wrapping or wrap_seconds)


def _accepts(rule: Rule, parameters: Mapping[str, Any]) -> bool:
    if rule.parameters is None:
        return True
    allowed = dict(rule.parameters)
    return all(
        name in allowed and (not allowed[name] or value in allowed[name])
        for name, value in parameters.items()
    )


def deciding(rules: Iterable[Rule], path: str) -> Rule | None:
    """Return the rule of highest priority that matches; rules of the same pattern count together."""
    matching: dict[str, Rule] = {}
    for rule in rules:
        if _matches(rule.path, path):
            same = matching.get(rule.path)
            matching[rule.path] = _together(same, rule) if same else rule
    return max(matching.values(), key=lambda rule: _priority(rule.path), default=None)


def _together(one: Rule, other: Rule) -> Rule:
    """Join two policies' rules of one pattern; of two limits the stricter stands."""
    parameters = None
    if one.parameters is not None and other.parameters is not None:
        parameters = one.parameters + other.parameters
    limits = [each for each in (one.max_wrapping, other.max_wrapping) if each]
    return replace(
        one,
        capabilities=one.capabilities | other.capabilities,
        min_wrapping=max(one.min_wrapping, other.min_wrapping),
        max_wrapping=min(limits, default=0),
        parameters=parameters,
    )


def _matches(pattern: str, path: str) -> bool:
    """Match as Vault does: `+` is one segment, a `*` at the end any rest, and elsewhere it is a plain character."""
    prefix = pattern.endswith("*")
    segments = pattern.removesuffix("*").split("/")
    expression = "/".join("[^/]+" if segment == "+" else re.escape(segment) for segment in segments)
    return re.fullmatch(expression + (".*" if prefix else ""), path, re.DOTALL) is not None


def _priority(pattern: str) -> tuple[bool, int, bool, int, int, str]:
    """Order patterns as Vault's documentation does: exact first, then the later wildcard, fewer of them, the longer."""
    wild = [at for at in (pattern.find("+"), pattern.find("*")) if at >= 0]
    pluses = sum(segment == "+" for segment in pattern.split("/"))
    exact = not wild
    return (exact, min(wild, default=len(pattern)), not pattern.endswith("*"), -pluses, len(pattern), pattern)
