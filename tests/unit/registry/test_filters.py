from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.filters import BadFilter, clauses, ordered, paged

DOCUMENT: dict[str, Any] = {
    "name": "credit-default",
    "version_number": 3,
    "run_id": "r1",
    "tags": {"assay.tier": "limited"},
}
KEYS = {"name", "version_number", "run_id"}


def parse(text: str | None, keys: Collection[str]) -> Callable[[Mapping[str, Any]], bool]:
    wanted = clauses(text, keys)
    return lambda document: all(
        one.holds(document["tags"].get(one.key) if one.tag else document.get(one.key)) for one in wanted
    )


def page(
    rows: Iterable[Mapping[str, Any]],
    order_by: Sequence[str],
    sortable: Collection[str],
    *,
    size: int,
    token: str | None,
) -> tuple[list[Mapping[str, Any]], str]:
    return paged(ordered(rows, order_by, sortable, operator.getitem), size=size, token=token)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (None, True),
        ("", True),
        ("name = 'credit-default'", True),
        ("name='other'", False),
        ('name = "credit-default"', True),
        ("name LIKE 'credit%'", True),
        ("name LIKE 'CREDIT%'", False),
        ("name ILIKE 'CREDIT%'", True),
        ("name LIKE 'credit_default'", True),
        ("version_number >= 3", True),
        ("version_number > 3", False),
        ("version_number = '3'", True),
        ("version_number != 3", False),
        ("name = 'credit-default' AND version_number < 2", False),
        ("name = 'credit-default' and version_number < 9", True),
        ("run_id IN ('r1','r2')", True),
        ("run_id NOT IN ('r1','r2')", False),
        ("tags.`assay.tier` = 'limited'", True),
        ("tag.assay.tier != 'limited'", False),
        ("tags.missing = 'x'", False),
        ("tags.`mlflow.prompt.is_prompt` != 'true'", True),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", True),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", False),
        ("name = 'credit-default' AND tag.`mlflow.prompt.is_prompt` != 'true'", True),
    ],
)
def test_mlflows_filters_mean_what_they_say(text: str | None, *, fits: bool) -> None:
    assert parse(text, KEYS)(DOCUMENT) is fits


@pytest.mark.parametrize(
    "text",
    ["nonsense", "name =", "other = 'x'", "name = 'a' OR name = 'b'", "name IN 'x'", "name = ('a')",
     "version_number = 'x'", "name = 'x'; DROP TABLE version", "name > 3", "name = 'a' AND AND"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BadFilter):
        parse(text, KEYS)(DOCUMENT)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(BadFilter):
        parse(text, KEYS)(DOCUMENT)


def test_pages_are_whole_and_in_order() -> None:
    rows = [{"name": f"m{n}", "n": n % 2} for n in range(5)]
    found: list[str] = []
    token: str | None = None
    while token != "":
        rows_here, token = page(rows, ["n DESC", "name"], {"name", "n"}, size=2, token=token)
        found += [row["name"] for row in rows_here]
    assert found == ["m1", "m3", "m0", "m2", "m4"]


@pytest.mark.parametrize(
    ("size", "token", "order"),
    [(0, None, "name"), (200_001, None, "name"), (1, "x", "name"), (1, None, "x"), (1, None, "name UP")],
)
def test_a_page_that_is_none_is_refused(size: int, token: str | None, order: str) -> None:
    with pytest.raises(BadFilter):
        page([], [order], {"name"}, size=size, token=token)
