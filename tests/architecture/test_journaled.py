"""What is journaled: every route says so, and the few that leave no entry are documented."""

from __future__ import annotations

import importlib
import re

import pytest

from assay.journal import Kind
from assay.web.routes import PUBLIC, READING, PermittedRoute
from tests.architecture.source import ROOT
from tests.architecture.test_permissions import DECLARING, declared

UNJOURNALED = {
    "ledger/append": "the fact is the entry",
    "ledger/read": "the log itself, which every part follows",
    "ledger/witness": "what the witness looks at all the time",
    "witness/read": "the witness signs and says nothing else: it keeps no journal",
    "predictor/health": "health, asked by serving all the time",
    "predictor/infer": "its receipt is its entry",
}
READ_BY_POST = {"features/release-key", "ingestion/release-key", "registry/read", "tracking/read"}


@pytest.fixture(scope="module")
def routes() -> list[PermittedRoute]:
    """Return every route of every service."""
    return [route for name in DECLARING for route in declared(importlib.import_module(name))]


def test_what_is_not_journaled_is_listed_with_its_reason(routes: list[PermittedRoute]) -> None:
    assert {route.permission for route in routes if route.kind is Kind.UNJOURNALED} == set(UNJOURNALED)


def test_no_right_is_journaled_at_one_route_and_not_at_another(routes: list[PermittedRoute]) -> None:
    quiet = [route for route in routes if route.permission in UNJOURNALED]
    assert {route.kind for route in quiet} == {Kind.UNJOURNALED}


def test_a_get_never_counts_as_a_change(routes: list[PermittedRoute]) -> None:
    assert [
        route.path
        for route in routes
        if READING.issuperset(route.methods or ()) and route.kind is Kind.CHANGE
    ] == []


def test_what_reads_by_another_method_is_listed(routes: list[PermittedRoute]) -> None:
    others = {
        route.permission
        for route in routes
        if route.kind is Kind.READ
        and not READING.issuperset(route.methods or ())
        and route.permission != PUBLIC
    }
    assert others <= READ_BY_POST


def test_the_document_lists_what_is_not_journaled() -> None:
    text = (ROOT / "docs" / "audit.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+/[a-z-]+)` \|", text, re.MULTILINE)) == set(UNJOURNALED)
