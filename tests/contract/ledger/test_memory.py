"""A client that saw a checkpoint refuses a log that lost or changed what it signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import pytest

from assay.errors import SignatureInvalid
from assay.ledger import CheckpointMemory, LedgerClient, LogForked, LogTruncated
from services.ledger.log import Log
from services.ledger.store import open_store
from tests.support.ledger import House, run

HANG_SECONDS = 30


@contextmanager
def copied(house: House, folder: Path) -> Iterator[Log]:
    """Open a copy of the store with the very same keys, as a thief of both would."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    with open_store(url, house.root, lambda data: house.keys.sign("log", data)) as log:
        yield log


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A store that can be copied while nobody looks: a file."""
    return House(tmp_path)


@pytest.fixture
def memory(tmp_path: Path) -> CheckpointMemory:
    return CheckpointMemory(tmp_path / "client" / "checkpoint")


@pytest.fixture
def older(house: House, tmp_path: Path, memory: CheckpointMemory) -> Path:
    """A copy of the store from before the newest entry that the client's memory covers."""
    with house.open() as log:
        house.found(log)
    copytree(house.folder, tmp_path / "older", ignore=lambda *_: ["older", "client"])
    with house.open(create=False) as log, house.client(log, "/svc/core/training", memory) as client:
        client.append(run("r-1"))
        client.head("run/r-1")
    return tmp_path / "older"


def test_a_restored_older_store_is_noticed(house: House, older: Path, memory: CheckpointMemory) -> None:
    with copied(house, older) as log, house.client(log, "/svc/core/training", memory) as client:
        with pytest.raises(LogTruncated):
            client.checkpoint()
        with pytest.raises(LogTruncated):
            client.head("policy")


@pytest.mark.parametrize("more", [1, 2, 5])
def test_a_store_that_went_another_way_is_noticed(
    house: House, older: Path, memory: CheckpointMemory, more: int
) -> None:
    with copied(house, older) as log, house.client(log, "/svc/core/training", memory) as client:
        for n in range(more):
            log.append(house.signer.sign(run(f"other-{n}")))
        log.publisher.covering(len(log.entries(0, 1000)), HANG_SECONDS)
        with pytest.raises(LogForked):
            client.checkpoint()


def test_an_earlier_checkpoint_that_arrives_late_is_no_truncation(house: House, older: Path) -> None:
    with house.open(create=False) as log, house.client(log, "/svc/core/training") as client:
        early = client.checkpoint()
        newer = client.append(run("r-2"))
        assert client.fact(newer.digest) == newer  # proven: a checkpoint covers it from here on
        assert client.checkpoint().size == newer.index + 1
        client._remember(early)
        assert client.checkpoint().size == newer.index + 1


def test_memory_outlives_the_process_and_cannot_be_forged(
    house: House, older: Path, memory: CheckpointMemory, tmp_path: Path
) -> None:
    path = tmp_path / "client" / "checkpoint"
    with copied(house, older) as log, house.http(log, "/people/p-dana") as http:
        again = LedgerClient(http, house.root, CheckpointMemory(path))
        with pytest.raises(LogTruncated):
            again.checkpoint()
        path.write_text(path.read_text().replace("\ntime 1", "\ntime 2"))
        with pytest.raises(LogForked):
            LedgerClient(http, house.root, CheckpointMemory(path)).checkpoint()


def test_a_checkpoint_by_another_key_is_not_looked_at(
    house: House, older: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = House(tmp_path_factory.mktemp("stranger"))
    with stranger.open() as log, stranger.http(log, "/people/p-dana") as http:
        stranger.found(log)
        with pytest.raises(SignatureInvalid, match="log key"):
            LedgerClient(http, house.root, CheckpointMemory()).checkpoint()
