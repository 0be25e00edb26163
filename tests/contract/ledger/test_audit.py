"""`assay audit`: clean logs are said to be clean, and what was changed is named, over the network and from a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assay.cli import assay
from assay.cli.audit import _asked
from assay.ledger import LedgerClient, LogForked
from assay.ledger.auditing import Kept
from assay.ledger.errors import StoreUnreadable
from assay.ledger.kept import load_kept, save_kept
from assay.ledger.spelling import open_exactly
from services.ledger.log import Log
from tests.support.ledger import House, revocation, run


def grow(house: House, log: Log) -> None:
    first = log.append(house.signer.sign(run("r-1")))
    log.append(house.signer.sign(run("r-1", previous=first.digest)))
    last = log.append(house.signer.sign(revocation(first.digest)))
    log.publisher.covering(last.index + 1, 10)


def test_a_clean_log_is_audited_over_the_network_and_kept(
    house: House, log: Log, training: LedgerClient, tmp_path: Path
) -> None:
    log.publisher.covering(log.tree.size, 10)
    first = _asked(training, house.root, None)
    assert first.findings == ()
    assert first.kept is not None
    save_kept(tmp_path / "kept", first.kept, house.root)
    grow(house, log)
    again = _asked(training, house.root, load_kept(tmp_path / "kept", house.root))
    assert again.findings == ()
    assert again.size == log.tree.size > first.size


def test_a_log_that_shows_another_entry_is_found_out(house: House, log: Log, training: LedgerClient) -> None:
    grow(house, log)
    kept = _asked(training, house.root, None).kept
    assert kept is not None
    swapped = [
        *log.rows.bodies(0, 3),
        *log.rows.bodies(4, 1),
        *log.rows.bodies(3, 1),
        *log.rows.bodies(5, 99),
    ]
    training.envelopes = lambda start, limit=1000: swapped[start : start + limit]  # type: ignore[method-assign]
    found = _asked(training, house.root, kept).findings
    assert (found[0].what, found[0].first, found[0].last) == ("entry", 3, 3)


@pytest.fixture
def store(tmp_path: Path) -> House:
    """A store that no ledger has open."""
    house = House(tmp_path)
    with house.open() as log:
        house.found(log)
        grow(house, log)
    (tmp_path / "root.json").write_bytes(house.root_json(("p-ada", "p-grace")))
    return house


def verify(house: House) -> Result:
    """Run `assay audit verify` on the store's file."""
    words = [
        "--home",
        str(house.folder / "home"),
        "audit",
        "verify",
        "--store",
        str(house.folder / "ledger.db"),
    ]
    words += ["--trust-root", str(house.folder / "root.json")]
    return CliRunner().invoke(assay, words)


def test_a_store_is_audited_offline_and_remembered(store: House) -> None:
    first = verify(store)
    assert first.exit_code == 0, first.output
    assert "verified against assay.demo/ledger" in first.output
    assert "the first audit here" in first.output
    with store.open(create=False) as log:
        grow_by = log.append(store.signer.sign(run("r-9"))).index
        log.publisher.covering(grow_by + 1, 10)
    again = verify(store)
    assert again.exit_code == 0, again.output
    assert f"size {grow_by}" in again.output


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entry SET body = CAST(replace(body, 'a', 'b') AS BLOB) WHERE idx = 3", "entry 3: "),
        ("UPDATE entry SET idx = 99 WHERE idx = 4", "entry 4: "),
        ("DELETE FROM entry WHERE idx = 5", "entry 5: "),
        ("DELETE FROM entry WHERE idx >= 6", "entry 6 to "),
        ("UPDATE entry SET about = 'run/other' WHERE idx = 2", "row 2: "),
        ("UPDATE entry SET digest = x'00' WHERE idx = 2", "row 2: "),
        ("UPDATE checkpoint SET note = replace(note, 'time 1', 'time 2')", "checkpoint "),
    ],
)
def test_what_was_changed_in_a_store_is_named(store: House, statement: str, said: str) -> None:
    assert verify(store).exit_code == 0
    with closing(sqlite3.connect(store.folder / "ledger.db")) as rows:
        for trigger in ("entry_update", "entry_delete"):
            rows.execute(f"DROP TRIGGER {trigger}")
        rows.execute(statement)
        rows.commit()
    found = verify(store)
    assert found.exit_code == 1
    assert f"CHANGED: {said}" in found.output


def test_a_file_that_is_no_store_is_refused_by_name(store: House) -> None:
    (store.folder / "ledger.db").write_bytes(b"nonsense" * 2000)
    assert isinstance(verify(store).exception, StoreUnreadable)


def test_a_changed_memory_is_refused_by_name(store: House) -> None:
    assert verify(store).exit_code == 0
    leaves = store.folder / "home" / "checkpoints" / "audit" / "leaves"
    leaves.write_bytes(bytes(len(leaves.read_bytes())))
    assert isinstance(verify(store).exception, LogForked)
    (leaves.parent / "note").write_text("nonsense")
    assert isinstance(verify(store).exception, LogForked)


def test_a_path_from_a_kept_checkpoint_is_given_and_verified(
    house: House, log: Log, training: LedgerClient
) -> None:
    old = Kept(open_exactly(log.publisher.covering(log.tree.size, 10).checkpoint.note, house.root))
    grow(house, log)
    newest = training.checkpoint()
    assert newest.size > old.checkpoint.size
    assert training.consistency(old.checkpoint.size, newest.size)
