"""All routes by all kinds of caller: the policy answers what the table of rights says, and the page shows it."""

from __future__ import annotations

from functools import cache

import pytest

from assay.policy import OpaWasm
from assay.web.routes import PUBLIC
from assay_laptop.opa.matrix import HERE, PAGE, POLICY, Row, allowed, page, rows, subjects
from tests.contract.policy.oracle import may, table

FIX = "run `python -m assay_laptop.opa.matrix` and commit docs/routes.md"


@cache
def policy() -> OpaWasm:
    return OpaWasm(POLICY)


@pytest.mark.parametrize("service", sorted({row.service for row in rows()}))
def test_every_route_answers_every_caller_as_the_table_of_rights_says(service: str) -> None:
    wrong: list[tuple[Row, str, bool]] = []
    for row in (one for one in rows() if one.service == service and one.permission != PUBLIC):
        for name, caller in subjects().items():
            expected = may(table(), row.permission, caller, home=HERE)
            if (said := allowed(policy(), caller, row.permission)) is not expected:
                wrong.append((row, name, said))
    assert wrong == []


def test_the_matrix_is_of_every_service() -> None:
    services = {row.service for row in rows()}
    assert services >= {"identity", "ingestion", "features", "tracking", "training", "evaluator", "registry"}
    assert services >= {"serving", "predictor", "ledger"}


def test_the_page_of_routes_is_what_routes_and_policy_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), FIX
