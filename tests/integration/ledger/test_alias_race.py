"""Two replicas of the registry, 10,000 attempts to move one alias: in each round all start from one head, one wins."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from assay.contracts import SpiffeId
from assay.identity.certificates import new_key, request_for
from assay.identity.workload import WorkloadIdentity
from assay.web.server import Listener, listening_server
from assay_laptop.platform.addresses import free_ports
from services.ledger.errors import StoreInUse
from services.ledger.log import Log
from tests.integration.ledger import replica
from tests.support.ledger import DOMAIN, House
from tests.support.postgres import PostgresServer
from tests.unit.identity.authority import Authority

REPLICAS, THREADS = 2, 50
ROUNDS = {"sqlite": 100, "postgresql": 5}  # of a hundred attempts: 10,000 in a file, 500 in a database
REGISTRY = f"spiffe://{DOMAIN}/svc/core/registry"


@dataclass
class Attempt:
    """What one attempt was answered: it won a place, or lost to a head."""

    digest: str
    won: bool
    said: str  # its index, or the head

    @classmethod
    def read(cls, text: str) -> Attempt:
        """Read a replica's word."""
        digest, *rest = text.split()
        return cls(digest, rest[0] == "won", rest[-1])


class Race:
    """A ledger on a mutual-TLS listener, and replicas as processes of their own."""

    def __init__(self, folder: Path, house: House, log: Log) -> None:
        self.folder, self.authority, self.undo = folder, Authority(), ExitStack()
        (folder / "ca.pem").write_text(self.authority.ca_pem)
        (folder / "root.json").write_bytes(house.root_json(("p-ada", "p-grace")))
        key = house.keys._key("fact-alias-prod")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        (folder / "alias.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.url = self._serve(house.app(log))
        self.replicas = [self._replica(number) for number in range(REPLICAS)]
        for process in self.replicas:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def round(self, head: str | None) -> list[Attempt]:
        """Have every thread of every replica move the alias from this head, at once."""
        for process in self.replicas:
            assert process.stdin is not None
            process.stdin.write(f"{head or '-'}\n")
            process.stdin.flush()
        lines = [process.stdout.readline() for process in self.replicas if process.stdout]
        return [Attempt.read(one) for line in lines for one in line.strip().split(";")]

    def close(self) -> None:
        """End replicas and listener."""
        for process in self.replicas:
            process.stdin.close() if process.stdin else None
            process.wait(60)
        self.undo.close()

    def _replica(self, number: int) -> subprocess.Popen[str]:
        own = self.folder / f"replica-{number}"
        own.mkdir()
        key = new_key()
        (own / "key.pem").write_text(key)
        (own / "chain.pem").write_text(self.authority.issue(request_for(key), [REGISTRY]))
        command = [sys.executable, replica.__file__, str(own), self.url, str(THREADS)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _serve(self, app: object) -> str:
        assert isinstance(app, FastAPI)
        spiffe = SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/ledger")
        identity = WorkloadIdentity.obtain(
            self.authority.issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=self.authority.ca_pem,
            run_dir=self.folder / "ledger",
        )
        self.undo.callback(identity.close)
        listens, port = threading.Event(), free_ports(1)[0]
        listener = Listener("ledger", app, port, identity.server_context())
        server = listening_server(listener, "127.0.0.1", lambda _: listens.set())
        thread = threading.Thread(target=server.run)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join()

        self.undo.callback(end)
        assert listens.wait(20)
        return f"https://127.0.0.1:{port}"


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "sqlite":
        return House(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return House(tmp_path, url=server.create_database(f"race_{token_hex(6)}"))


@pytest.fixture
def log(house: House) -> Iterator[Log]:
    with house.open() as opened:
        house.found(opened)
        yield opened


@pytest.mark.threat("T-REG-09")
def test_of_many_moves_from_one_head_one_wins_and_none_is_lost(
    house: House, log: Log, tmp_path: Path, attempts: Callable[[int], None]
) -> None:
    race = Race(tmp_path, house, log)
    winners: list[Attempt] = []
    tried, rounds = 0, ROUNDS[house.url.split("+")[0].split(":")[0]]
    try:
        for _ in range(rounds):
            told = race.round(winners[-1].digest if winners else None)
            tried += len(told)
            (winner,) = [one for one in told if one.won]
            assert {one.said for one in told if not one.won} == {winner.digest}
            winners.append(winner)
    finally:
        race.close()
    chain = [record for record in log.entries(0, 10_000) if record.about == replica.ABOUT]
    assert [record.digest for record in chain] == [winner.digest for winner in winners]
    assert [str(record.index) for record in chain] == [winner.said for winner in winners]
    assert [record.fact.previous for record in chain] == [None, *(winner.digest for winner in winners[:-1])]
    assert tried == REPLICAS * THREADS * rounds
    attempts(tried)


def test_a_second_ledger_over_the_same_store_does_not_begin(house: House, log: Log) -> None:
    with pytest.raises(StoreInUse):
        house.open(create=False)
