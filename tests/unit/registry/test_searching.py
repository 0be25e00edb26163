"""Pages of models and versions: in MLflow's order, whole, each once, whatever the filter and the order they came in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assay.contracts import Alias, Environment, Fact, FactKind, Revocation, SignedFact
from assay.database import engine
from assay.ledger import Record
from benchmarks.support.crowded_registry import fill, mlflow_run, model_name
from services.registry.adapters.notes import SqlNotes
from services.registry.catalogue import Catalogue
from services.registry.filters import BadFilter
from services.registry.searching import Searching
from services.registry.usecases import Registry
from tests.unit.custody.world import TENANT

MODELS, VERSIONS = 5, 23


@pytest.fixture
def catalogue() -> Catalogue:
    made = Catalogue(TENANT)
    fill(made, MODELS, VERSIONS)
    return made


@pytest.fixture
def notes(tmp_path: Path) -> SqlNotes:
    return SqlNotes(engine(f"sqlite:///{tmp_path}/registry.db"))


@pytest.fixture
def searching(catalogue: Catalogue, notes: SqlNotes) -> Searching:
    registry = SimpleNamespace(log=SimpleNamespace(revoked=lambda _digest: None))
    return Searching(cast("Registry", registry), catalogue, notes)


def walked(
    searching: Searching, text: str | None = None, order_by: tuple[str, ...] = ()
) -> list[tuple[str, int]]:
    """Return every version found, page by page."""
    found: list[tuple[str, int]] = []
    token: str | None = ""
    while token is not None:
        page, following = searching.versions(text, order_by, 4, token or None)
        found += [(one["name"], int(one["version"])) for one in page]
        token = following or None
    return found


EVERY = [(model_name(n % MODELS), n // MODELS + 1) for n in range(VERSIONS)]


def test_pages_hold_every_version_once_newest_first(searching: Searching) -> None:
    assert walked(searching) == EVERY[::-1]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (f"name = '{model_name(2)}'", lambda name, _n: name == model_name(2)),
        (f"name != '{model_name(2)}'", lambda name, _n: name != model_name(2)),
        ("name LIKE '%-0000%'", lambda _name, _n: True),
        ("name ILIKE 'MODEL-00003'", lambda name, _n: name == model_name(3)),
        ("version_number > 3", lambda _name, n: n > 3),
        (
            f"version_number <= 2 AND name = '{model_name(1)}'",
            lambda name, n: n <= 2 and name == model_name(1),
        ),
        ("tag.`assay.tier` = 'limited'", lambda _name, _n: True),
        ("tag.team = 'credit'", lambda name, n: (name, n) == (model_name(1), 2)),
        ("tag.`mlflow.prompt.is_prompt` != 'true'", lambda _name, _n: True),
        ("tag.`mlflow.prompt.is_prompt` = 'true'", lambda _name, _n: False),
        (f"run_id = '{mlflow_run(7)}'", lambda name, n: (name, n) == EVERY[7]),
        ("name = 'nothing'", lambda _name, _n: False),
    ],
)
def test_a_filter_leaves_what_fits_in_the_same_order(
    searching: Searching,
    notes: SqlNotes,
    text: str,
    fits: Any,  # noqa: ANN401 - a predicate
) -> None:
    notes.note(model_name(1), 2, {"team": "credit"}, by="p-dana")
    assert walked(searching, text) == [one for one in EVERY[::-1] if fits(*one)]


def test_an_order_that_is_asked_for_is_kept_over_pages(searching: Searching) -> None:
    assert walked(searching, None, ("name ASC", "version_number DESC")) == sorted(
        EVERY, key=lambda one: (one[0], -one[1])
    )
    with pytest.raises(BadFilter):
        walked(searching, None, ("tags",))
    with pytest.raises(BadFilter):
        searching.versions("name ~ 'x'", (), 4, None)
    with pytest.raises(BadFilter):
        searching.versions(None, (), 4, "first")


def test_what_is_registered_between_two_pages_is_in_its_place(
    catalogue: Catalogue, searching: Searching
) -> None:
    assert walked(searching)[0] == EVERY[-1]
    again = Catalogue(TENANT)
    fill(again, MODELS, VERSIONS + 1)
    newest = next(iter(again.listed()))
    catalogue.apply(newest.record)
    assert walked(searching)[0] == (newest.row.model, newest.row.number)


def test_models_are_listed_by_name_with_those_only_named(searching: Searching, notes: SqlNotes) -> None:
    notes.name("a-named-one", by="p-dana")
    notes.note(model_name(4), 0, {"owner": "risk", "": "words"}, by="p-dana")
    first, token = searching.models(None, (), 4, None)
    rest, end = searching.models(None, (), 4, token)
    assert [one["name"] for one in first + rest] == ["a-named-one", *map(model_name, range(MODELS))]
    assert (end, rest[-1]["description"], rest[-1]["tags"]) == (
        "",
        "words",
        [{"key": "owner", "value": "risk"}],
    )
    assert rest[-1]["latest_versions"][0]["version"] == "4"
    found, _ = searching.models("tag.owner = 'risk' AND name LIKE 'model%'", ("name DESC",), 4, None)
    assert [one["name"] for one in found] == [model_name(4)]


def test_aliases_and_revocations_are_shown_and_another_tenants_facts_are_not(
    catalogue: Catalogue, notes: SqlNotes
) -> None:
    newest = next(iter(catalogue.listed()))
    body = Alias(
        model=newest.row.model, alias="champion", number=newest.row.number, version=newest.row.fact,
        approvals=(), evidence=(), policy="",
    ).model_dump(mode="json")  # fmt: skip
    about = f"alias/prod/{newest.row.model}@champion"
    fact = Fact(FactKind.ALIAS, about, TENANT, "2026-01-02T00:00:00Z", body, environment=Environment.PROD)
    foreign = Fact(FactKind.VERSION, "model/other/x", "other", fact.time, dict(newest.record.fact.body))
    for index, one in enumerate((fact, foreign)):
        catalogue.apply(Record(catalogue.applied() + index, SignedFact(one, "0" * 64, b"")))
    said = Revocation(revokes=newest.row.fact, what="version", reason="a test", by="p-ada")
    registry = SimpleNamespace(log=SimpleNamespace(revoked=lambda d: said if d == newest.row.fact else None))
    page, _ = Searching(cast("Registry", registry), catalogue, notes).versions(None, (), 1, None)
    assert page[0]["aliases"] == ["champion"]
    assert (page[0]["status"], page[0]["status_message"]) == ("FAILED_REGISTRATION", "revoked: a test")
    assert len(list(catalogue.listed())) == VERSIONS
