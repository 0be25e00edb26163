from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest
import sqlalchemy as sa

from assay.ledger import LedgerClient
from services.ledger.log import Log
from tests.support.ledger import House
from tests.support.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind there is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database(f"ledger_{token_hex(6)}")


@pytest.fixture
def house(tmp_path: Path, store_url: str) -> House:
    return House(tmp_path, url=store_url)


@pytest.fixture
def sql_at() -> Callable[[str, str], None]:
    """Run a statement past the ledger, as the owner of its database can."""

    def run(url: str, statement: str) -> None:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    return run


@pytest.fixture
def log(house: House) -> Iterator[Log]:
    with house.open() as opened:
        house.found(opened)
        yield opened


@pytest.fixture
def training(house: House, log: Log) -> Iterator[LedgerClient]:
    with house.client(log, "/svc/core/training") as client:
        yield client


@pytest.fixture
def registry(house: House, log: Log) -> Iterator[LedgerClient]:
    with house.client(log, "/svc/core/registry") as client:
        yield client
