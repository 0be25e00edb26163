"""Two ledgers on one PostgreSQL: one leads; where both believe they do, each place is taken once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from threading import Barrier

import pytest

from assay.contracts import Alias, Environment, Fact, FactKind, SignedFact
from assay.errors import ServiceError
from assay.ledger import Record
from services.ledger.adapters.postgresql import PostgresRows
from services.ledger.errors import StoreFailed, StoreInUse
from services.ledger.log import Log
from tests.integration.ledger.test_kill import FACTS, killed_after, prepare
from tests.support.ledger import House
from tests.support.postgres import PostgresServer

ABOUT = "alias/prod/credit@champion"
ROUNDS = 8
KILLS = 2


@pytest.fixture
def house(tmp_path: Path, postgres: PostgresServer) -> House:
    return House(tmp_path, url=postgres.create_database(f"ledger_{token_hex(6)}"))


def moved(house: House, number: int, previous: str | None) -> SignedFact:
    """Sign a move of the alias to a version."""
    body = Alias(
        model="credit",
        alias="champion",
        number=number,
        version="0" * 64,
        approvals=(),
        evidence=(),
        policy="p",
    )
    now = datetime.now(UTC).isoformat()
    said = body.model_dump(mode="json")
    fact = Fact(FactKind.ALIAS, ABOUT, "demo", now, said, environment=Environment.PROD, previous=previous)
    return house.signer.sign(fact)


def deposed(log: Log) -> None:
    """Take a leader's lock away behind its back."""
    assert isinstance(log.rows, PostgresRows)
    log.rows._writer.execute("SELECT pg_advisory_unlock_all()")


def race(house: House, replicas: tuple[Log, Log], head: str | None) -> list[Record | ServiceError]:
    """Move the alias from one head through both replicas at once."""
    start = Barrier(len(replicas))

    def move(at: int) -> Record | ServiceError:
        signed = moved(house, at + 1, head)
        start.wait()
        try:
            return replicas[at].append(signed)
        except ServiceError as refusal:
            return refusal

    with ThreadPoolExecutor(len(replicas)) as threads:
        return list(threads.map(move, range(len(replicas))))


def test_while_one_leads_no_other_opens_the_log(house: House) -> None:
    with house.open() as log:
        house.found(log)
        with pytest.raises(StoreInUse):
            house.open()
    with house.open(create=False) as log:
        assert log.entries(0, 1)[0].kind is FactKind.ROOT


def test_of_two_replicas_that_both_believe_they_lead_one_moves_the_alias(house: House) -> None:
    with house.open() as log:
        house.found(log)
    head: str | None = None
    for _ in range(ROUNDS):
        with house.open(create=False) as first:
            deposed(first)
            with house.open(create=False) as second:
                outcomes = race(house, (first, second), head)
        (winner,) = [one for one in outcomes if isinstance(one, Record)]
        (loser,) = [one for one in outcomes if isinstance(one, StoreFailed)]
        assert "another process wrote" in loser.detail
        with house.open(create=False) as after:
            assert after.head(ABOUT) == winner
        head = winner.digest
    with house.open(create=False) as log:
        moves = [one for one in log.entries(0, 1000) if one.about == ABOUT]
        assert len(moves) == ROUNDS
        assert [one.fact.previous for one in moves] == [None, *(one.digest for one in moves[:-1])]


def test_nothing_acknowledged_is_lost_or_moved_by_kills(house: House) -> None:
    with house.open() as log:
        house.found(log)
    prepare(house)
    acknowledged: dict[str, int] = {}
    for kill in range(1, KILLS + 1):
        acknowledged.update(killed_after(house, kill * FACTS // (2 * KILLS)))
        with house.open(create=False) as log:
            assert {digest: log.index(digest) for digest in acknowledged} == acknowledged
            entries = log.entries(0, 10_000)
            assert len({one.digest for one in entries}) == len(entries)
    assert len(acknowledged) > KILLS
