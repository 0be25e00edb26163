from __future__ import annotations

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts import canonical, sha256_hex, strict_json
from assay.errors import BadRequest

SAFE = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_canonical_bytes_read_back_as_the_same_value(value: Any) -> None:  # noqa: ANN401 - any JSON value
    once = canonical(value)
    assert canonical(strict_json(once)) == once


@settings(deadline=None)
@given(st.dictionaries(TEXT, st.integers(-SAFE, SAFE), max_size=6))
def test_the_order_of_members_changes_nothing(value: dict[str, int]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical(turned) == canonical(value)


@settings(deadline=None, max_examples=300)
@given(JSON | st.recursive(st.text(st.characters(max_codepoint=0x7F)) | st.integers(-SAFE, SAFE), st.lists))
def test_both_encoders_write_the_same_bytes(value: Any) -> None:  # noqa: ANN401 - any JSON value
    assert canonical(value) == rfc8785.dumps(value)


def test_the_bytes_are_those_of_rfc_8785() -> None:
    example = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical(example) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, SAFE + 1, "\ud800", {1: 2}])
def test_what_has_no_canonical_bytes_gets_none(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        "{'a': 1}",
        '{"a": 1} {"b": 2}',
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e999",
        '{"auc": -1e400}',
        "[" * 100_000,
        b"\xff\xfe",
        b"\x80",
    ],
    ids=range(15),
)
def test_what_is_no_strict_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadRequest, match="not strict JSON"):
        strict_json(text)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = strict_json(data)
    except BadRequest:
        return
    assert found == json.loads(data)


def test_a_digest_is_64_lower_case_hex_digits() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
