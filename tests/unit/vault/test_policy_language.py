from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_laptop.vault.server.acl import allows, deciding
from assay_laptop.vault.server.calls import Refused
from assay_laptop.vault.server.hcl import CAPABILITIES, Rule, parse


def rules(*paths: str) -> list[Rule]:
    return [Rule(path, frozenset({"read"})) for path in paths]


def test_a_policy_is_read_with_its_comments_and_limits() -> None:
    text = """
    # said first
    path "a/+/b" { capabilities = ["read", "update"] }  // and here
    path "c/*" {
      capabilities     = ["update",]
      min_wrapping_ttl = "1s"
      max_wrapping_ttl = "10m"
    }
    """
    assert parse(text) == [
        Rule("a/+/b", frozenset({"read", "update"})),
        Rule("c/*", frozenset({"update"}), 1, 600),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'path "x" { capabilities = ["fly"] }',
        'path "x" { capabilities = ["patch"] }',
        'path "x" { capabilities = ["read"] allowed_parameters = {} }',
        'path "x" { capabilities = ["read"] allowed_parameters = ["y"] }',
        'path "x" { capabilities = ["read"] denied_parameters = ["y"] }',
        'path "x" { capabilities = ["read"',
        'path "x" { capabilities = "read" }',
        "path x { }",
        'paths "x" { }',
        'path "x" { min_wrapping_ttl = "soon" }',
        '{ "path": {} }',
        'path "x\\"y" { }',
    ],
)
def test_what_is_not_understood_is_refused_and_never_skipped(text: str) -> None:
    with pytest.raises(Refused):
        parse(text)


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    try:
        parse(text)
    except Refused:
        return


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("transit/sign/log", "transit/sign/log", True),
        ("transit/sign/log", "transit/sign/log/sha2-256", False),
        ("transit/sign/log", "transit/sign/lo", False),
        ("transit/keys/batch-*", "transit/keys/batch-x/config", True),
        ("transit/keys/batch-*", "transit/keys/batch-", True),
        ("transit/keys/batch-*", "transit/keys/batc", False),
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/b/c", False),
        ("a/+/c", "a//c", False),
        ("a/b*c", "a/b*c", True),
        ("a/b*c", "a/bxc", False),
        ("a.c", "abc", False),
        ("*", "anything/at/all", True),
    ],
)
def test_a_pattern_matches_as_vaults_do(pattern: str, path: str, *, matches: bool) -> None:
    assert (deciding(rules(pattern), path) is not None) is matches


@pytest.mark.parametrize(
    ("path", "patterns", "first"),
    [
        ("a/b/c", ("a/*", "a/b/c", "a/+/c"), "a/b/c"),
        ("a/b/c", ("a/*", "a/b/*"), "a/b/*"),
        ("a/b/c", ("+/b/c", "a/+/c"), "a/+/c"),
        ("a/b/c", ("a/+/c", "a/+/*"), "a/+/c"),
        ("a/b/c", ("a/+/+", "a/+/c"), "a/+/c"),
    ],
)
def test_the_most_specific_pattern_decides(path: str, patterns: tuple[str, ...], first: str) -> None:
    for order in (patterns, patterns[::-1]):
        found = deciding(rules(*order), path)
        assert found is not None
        assert found.path == first


def test_without_a_rule_the_answer_is_no() -> None:
    assert not any(allows([], capability, "a", None) for capability in CAPABILITIES)


def test_deny_beats_what_another_policy_allows_for_the_same_pattern() -> None:
    same = [Rule("a", frozenset({"read"})), Rule("a", frozenset({"deny"}))]
    assert not allows(same, "read", "a", None)
    assert not allows(same, "deny", "a", None)


def test_a_narrow_rule_takes_back_what_a_wide_one_gives() -> None:
    both = [Rule("a/*", frozenset({"read", "update"})), Rule("a/b", frozenset({"read"}))]
    assert allows(both, "update", "a/c", None)
    assert not allows(both, "update", "a/b", None)


@pytest.mark.parametrize(
    ("wrap", "allowed"), [(None, False), (0, False), (1, True), (600, True), (601, False)]
)
def test_a_limit_on_wrapping_refuses_bare_and_too_long(wrap: int | None, *, allowed: bool) -> None:
    limited = [Rule("a", frozenset({"update"}), 1, 600)]
    assert allows(limited, "update", "a", wrap) is allowed


def test_of_two_policies_limits_the_stricter_stands() -> None:
    one, other = Rule("a", frozenset({"update"}), 1, 600), Rule("a", frozenset({"read"}), 5, 0)
    assert not allows([one, other], "update", "a", 2)
    assert allows([one, other], "update", "a", 5)
    assert not allows([other, one], "update", "a", 601)
