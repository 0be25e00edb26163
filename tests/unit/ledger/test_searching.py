"""Searching the log: by whom, what, about what, when and whose, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from assay.contracts import FactKind, new_id
from assay.database import engine
from services.ledger.adapters.search_index import SqlIndex, url_of
from services.ledger.errors import SearchIndexEdited
from services.ledger.log import Log
from services.ledger.searching import Searching, Wanted
from tests.support.ledger import House, journal, revocation, run
from tests.support.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        made = engine(f"sqlite:///{tmp_path}/search.db")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        made = engine(server.create_database(f"search_{new_id('x')[2:]}"))
    try:
        yield made
    finally:
        made.dispose()


@pytest.fixture
def searching(house: House, log: Log, database: sa.Engine) -> Searching:
    for number in range(5):
        log.append(house.signer.sign(run(f"r-{number}", time=f"2026-01-0{number + 1}T00:00:00Z")))
    log.append(house.signer.sign(revocation("ab" * 32)))
    log.append(house.signer.sign(journal("/svc/core/registry", None)))
    return Searching(log, SqlIndex(database))


def abouts(searching: Searching, wanted: Wanted) -> list[str]:
    return [one["about"] for one in searching.search(wanted)["facts"]]


def test_facts_are_found_by_kind_prefix_and_exact_about(searching: Searching) -> None:
    runs = [f"run/r-{number}" for number in range(5)]
    assert abouts(searching, Wanted(kind=FactKind.RUN)) == runs
    assert abouts(searching, Wanted(about_prefix="run/")) == runs
    assert abouts(searching, Wanted(about="run/r-3")) == ["run/r-3"]
    assert abouts(searching, Wanted(about_prefix="%")) == []


def test_facts_are_found_by_person_and_by_identity(searching: Searching) -> None:
    assert abouts(searching, Wanted(subject="p-ada", kind=FactKind.REVOCATION)) == [f"revocation/{'ab' * 32}"]
    assert "role/demo/p-amir/approver" in abouts(searching, Wanted(subject="p-amir"))
    journals = abouts(
        searching, Wanted(subject="spiffe://assay.demo/svc/core/registry", kind=FactKind.JOURNAL)
    )
    assert journals == ["journal/svc/core/registry"]
    assert abouts(searching, Wanted(subject="p-nobody")) == []


def test_facts_are_found_by_time_since_counts_in_and_until_does_not(searching: Searching) -> None:
    second = 1767312000000  # 2026-01-02T00:00:00Z
    day = 86_400_000
    assert abouts(searching, Wanted(kind=FactKind.RUN, since_ms=second, until_ms=second + 2 * day)) == [
        "run/r-1",
        "run/r-2",
    ]


def test_another_tenants_facts_are_not_found(searching: Searching) -> None:
    assert abouts(searching, Wanted(tenant="demo", kind=FactKind.RUN)) != []
    assert abouts(searching, Wanted(tenant="other")) == []


def test_pages_follow_each_other_without_gap(searching: Searching) -> None:
    found, start = [], 0
    while True:
        page = searching.search(Wanted(kind=FactKind.RUN, start=start, limit=2))
        found += [one["about"] for one in page["facts"]]
        if page["next"] is None:
            break
        start = page["next"]
    assert found == [f"run/r-{number}" for number in range(5)]


def test_what_was_appended_just_now_is_found(house: House, log: Log, searching: Searching) -> None:
    searching.catch_up()
    log.append(house.signer.sign(run("r-new")))
    assert abouts(searching, Wanted(about="run/r-new")) == ["run/r-new"]


def test_an_index_that_was_edited_shows_nothing_that_is_not_in_the_log(
    searching: Searching, database: sa.Engine
) -> None:
    searching.catch_up()
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE search_entry SET about = 'run/forged' WHERE about = 'run/r-1'"))
    with pytest.raises(SearchIndexEdited):
        searching.search(Wanted(about="run/forged"))


def test_an_index_of_another_log_is_made_again(log: Log, searching: Searching, database: sa.Engine) -> None:
    size = searching.catch_up()
    with database.begin() as connection:
        connection.execute(sa.text(f"UPDATE search_entry SET digest = '{'0' * 64}'"))  # noqa: S608 - ours
    again = Searching(log, SqlIndex(database))
    assert again.catch_up() == size
    assert len(abouts(again, Wanted(kind=FactKind.RUN))) == 5


def test_the_index_stands_beside_an_sqlite_log_and_in_a_postgresql_one(tmp_path: Path) -> None:
    assert url_of("sqlite:////x/ledger.db", tmp_path) == f"sqlite:///{tmp_path}/search.db"
    assert url_of("postgresql+psycopg://h/ledger", tmp_path) == "postgresql+psycopg://h/ledger"
