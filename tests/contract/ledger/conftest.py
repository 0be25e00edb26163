from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.ledger import LedgerClient
from services.ledger.log import Log
from tests.support.ledger import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


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
