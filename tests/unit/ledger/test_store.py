"""The store: one winner on a head, the same payload once, and nothing believed that was tampered with."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

from assay.contracts import Environment, Fact, FactKind, Rollout, SignedFact, SpiffeId
from assay.errors import Forbidden, HeadMoved, NotBuilt, SignatureInvalid, TooLarge, Unavailable
from assay.ledger import LogForked, LogTruncated, RootExpired
from services.ledger.adapters.sqlite import SqliteRows
from services.ledger.errors import OffClock, StoreEdited, StoreFailed, StoreInUse, StoreMissing
from services.ledger.log import Log
from services.ledger.store import open_store
from tests.support.ledger import DOMAIN, House, journal, revocation, run


@contextmanager
def tampering(house: House) -> Iterator[sqlite3.Connection]:
    """Write to a closed store past its own guards."""
    with closing(sqlite3.connect(house.folder / "ledger.db", isolation_level=None)) as rows:
        for verb in ("update", "delete"):
            rows.execute(f"DROP TRIGGER entry_{verb}")
        yield rows


@pytest.fixture
def closed(house: House) -> House:
    with house.open() as log:
        house.found(log)
        first = log.append(house.signer.sign(run("r-1")))
        log.append(house.signer.sign(run("r-1", previous=first.digest)))
        log.append(house.signer.sign(revocation(first.digest)))
    return house


def test_what_was_appended_is_there_after_a_restart(closed: House) -> None:
    with closed.open(create=False) as log:
        head = log.head("run/r-1")
        assert head is not None
        assert head.fact.previous == log.entries(head.index - 1, 1)[0].digest
        assert log.revoked(log.entries(head.index - 1, 1)[0].digest)
        assert log.roles("p-bea", "demo") == {"approver"}
        log.append(closed.signer.sign(run("r-1", previous=head.digest)))


def test_the_same_payload_in_another_envelope_is_the_same_entry(house: House, log: Log) -> None:
    first = log.append(house.signer.sign(run("r-1")))
    again = house.signer.sign(run("r-1"))
    assert again.signature != first.signed.signature
    assert log.append(again) == first
    moved = log.append(house.signer.sign(run("r-1", previous=first.digest)))
    assert log.append(again) == first
    assert log.entries(first.index, 10) == [first, moved]


def test_of_many_appends_on_one_head_one_wins(house: House, log: Log) -> None:
    rivals = [house.signer.sign(run("r-1", time=f"2026-01-02T03:04:{n:02d}Z")) for n in range(16)]
    start, outcomes = threading.Barrier(len(rivals)), []

    def append(rival: SignedFact) -> None:
        start.wait()
        try:
            outcomes.append(log.append(rival).digest)
        except HeadMoved as refusal:
            outcomes.append(refusal.extra["head"])

    threads = [threading.Thread(target=append, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(rivals)
    assert len(set(outcomes)) == 1
    assert [one.about for one in log.entries(0, 100)].count("run/r-1") == 1


def test_only_the_identity_the_root_lists_appends(house: House, log: Log) -> None:
    signed = house.signer.sign(run("r-1"))
    with pytest.raises(Forbidden):
        log.submit(signed, SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/registry"))
    log.submit(signed, SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/training")).result(10)


def test_a_journal_is_appended_by_its_own_identity_alone(house: House, log: Log) -> None:
    own, other = (
        SpiffeId.parse(f"spiffe://{DOMAIN}/svc/prod/predictor/{name}") for name in ("credit", "fraud")
    )
    signed = house.signer.sign(journal(own.path, Environment.PROD))
    with pytest.raises(Forbidden):
        log.submit(signed, other)
    log.submit(signed, own).result(10)


def test_an_entry_larger_than_the_format_allows_is_refused(house: House, log: Log) -> None:
    with pytest.raises(TooLarge):
        log.append(house.signer.sign(replace(run("r-1"), body={"n": "x" * 65_000})))


def test_an_expired_root_takes_nothing_new_and_still_opens(closed: House) -> None:
    later = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
    with closed.open(clock=lambda: later) as log:
        assert log.head("run/r-1")
        with pytest.raises(RootExpired):
            log.append(closed.signer.sign(run("r-9")))


def test_one_process_at_a_time_has_a_store(house: House, log: Log) -> None:
    with pytest.raises(StoreInUse):
        house.open()


def test_a_ledger_does_not_begin_by_itself(house: House) -> None:
    with pytest.raises(StoreMissing):
        house.open(create=False)
    with pytest.raises(NotBuilt):
        open_store("mysql://localhost/ledger", house.root, lambda _: b"")


def test_a_log_key_that_is_not_the_roots_signs_nothing(closed: House) -> None:
    with open_store(closed.url, closed.root, lambda _: bytes(64)) as log, pytest.raises(Unavailable):
        log.publisher.covering(1, 0.3)


Edit = Callable[[sqlite3.Connection], object]


def _sql(*statements: str) -> Edit:
    return lambda rows: [rows.execute(statement) for statement in statements]


@pytest.mark.parametrize(
    ("edit", "refusal"),
    [
        (_sql("UPDATE entry SET body = CAST(replace(body, 'a', 'b') AS BLOB) WHERE idx = 3"), StoreEdited),
        (_sql("UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 4) WHERE idx = 3"), StoreEdited),
        (_sql("UPDATE entry SET about = 'run/r-2' WHERE about = 'run/r-1'"), StoreEdited),
        (_sql("UPDATE entry SET kind = 'role' WHERE idx = 2"), StoreEdited),
        (_sql("DELETE FROM entry WHERE idx = 3"), StoreEdited),
        (_sql("DELETE FROM entry WHERE idx = 0"), StoreEdited),
        (_sql("DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)"), LogTruncated),
        (_sql("DELETE FROM entry"), LogTruncated),
        (_sql("UPDATE entry SET digest = x'00' WHERE idx = 3"), StoreEdited),
        (_sql("UPDATE checkpoint SET note = replace(note, 'time ', 'time 1')"), StoreEdited),
    ],
)
def test_an_edited_or_shortened_store_is_refused_by_name(
    closed: House, edit: Edit, refusal: type[LogForked]
) -> None:
    with tampering(closed) as rows:
        edit(rows)
    with pytest.raises(refusal) as found:
        closed.open()
    assert type(found.value) is refusal


def test_an_envelope_signed_anew_over_the_same_payload_is_a_fork(closed: House) -> None:
    with closed.open() as log:
        record = log.head("run/r-1")
    assert record is not None
    anew = closed.signer.sign(record.fact)
    with tampering(closed) as rows:
        rows.execute("UPDATE entry SET body = ? WHERE idx = ?", (anew.to_bytes(), record.index))
    with pytest.raises(LogForked, match="not those that were signed"):
        closed.open()


def test_entries_that_nobody_signed_must_count_on_their_own(closed: House) -> None:
    signed = closed.signer.sign(run("r-2"))
    forged = replace(signed, signature=closed.signer.sign(run("r-3")).signature)
    with tampering(closed) as rows:
        (size,) = rows.execute("SELECT max(idx) + 1 FROM entry").fetchone()
        filed = (size, bytes.fromhex(forged.fact.digest), forged.to_bytes())
        rows.execute("INSERT INTO entry VALUES (?, ?, 'run', 'run/r-2', ?)", filed)
    with pytest.raises(StoreEdited, match="does not count"):
        closed.open()


def test_a_store_that_refuses_a_write_stops_the_log(house: House, log: Log) -> None:
    told = threading.Event()
    log._writer._on_failure = told.set
    assert isinstance(log.rows, SqliteRows)
    log.rows._writer.execute(
        "CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    with pytest.raises(StoreFailed):
        log.append(house.signer.sign(run("r-1")))
    assert told.is_set()
    with pytest.raises(StoreFailed):
        log.append(house.signer.sign(run("r-2")))
    with pytest.raises(StoreFailed):
        log.fresh()
    assert log.rows.find(bytes.fromhex(run("r-1").digest)) is None


def test_rows_only_grow_even_for_their_owner(closed: House) -> None:
    with closing(sqlite3.connect(closed.folder / "ledger.db")) as rows:
        for statement in ("UPDATE entry SET idx = 99 WHERE idx = 1", "DELETE FROM entry"):
            with pytest.raises(sqlite3.IntegrityError, match="only grow"):
                rows.execute(statement)


def test_commits_are_flushed_before_they_are_acknowledged(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.db", create=True)
    try:
        assert rows._writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert rows._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        rows.close()


def test_a_restored_older_store_is_whole_and_its_checkpoint_is_behind(closed: House, tmp_path: Path) -> None:
    copytree(closed.folder, tmp_path / "older", dirs_exist_ok=True)
    with closed.open() as log:
        log.append(closed.signer.sign(run("r-2")))
        newest = log.publisher.covering(len(log.entries(0, 100)), 30).checkpoint
    older = open_store(
        f"sqlite:///{tmp_path / 'older' / 'ledger.db'}",
        closed.root,
        lambda data: closed.keys.sign("log", data),
    )
    with older:
        assert older.publisher.covering(1, 30).checkpoint.size < newest.size


def test_a_file_that_is_no_store_is_refused_by_name(closed: House) -> None:
    for damage in (b"nonsense", bytes(8192)):
        with (closed.folder / "ledger.db").open("r+b") as file:
            file.write(damage * 20)
        with pytest.raises((StoreFailed, StoreEdited, LogTruncated)):
            closed.open()


def test_without_vault_nothing_is_signed_and_signing_resumes_by_itself(house: House) -> None:
    down = threading.Event()
    down.set()

    def sign(data: bytes) -> bytes:
        if down.is_set():
            raise Unavailable("Vault is sealed")
        return house.keys.sign("log", data)

    with open_store(house.url, house.root, sign) as log:
        house.found(log)
        with pytest.raises(Unavailable):
            log.publisher.covering(1, 0.05)
        down.clear()
        assert log.publisher.covering(1, 30).checkpoint.size


def test_signed_time_never_goes_back(closed: House) -> None:
    with closed.open() as log:
        before = log.publisher.covering(1, 30).checkpoint.time_ms
    with closed.open(clock=lambda: 1.0) as log:
        assert log.publisher.covering(1, 30).checkpoint.time_ms > before


def test_an_idle_log_signs_again_so_that_leases_stay_fresh(closed: House) -> None:
    with closed.open(lease_seconds=0.5) as log:
        first = log.publisher.covering(1, 30)
        again = log.publisher.after(first.checkpoint.time_ms).result(10)
        assert again.checkpoint.same_log(first.checkpoint)
        assert again.checkpoint.time_ms > first.checkpoint.time_ms


def test_an_unknown_signature_does_not_reach_the_writer(house: House, log: Log) -> None:
    with pytest.raises(SignatureInvalid):
        log.append(replace(house.signer.sign(run("r-1")), keyid="0" * 64))


@pytest.mark.parametrize(
    "dated", ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday", "2026-01-01T00:00:00"]
)
def test_a_move_dated_off_the_ledgers_clock_is_refused_and_the_log_goes_on(
    house: House, log: Log, dated: str
) -> None:
    before = log.tree.size
    body = Rollout(
        endpoint="credit",
        model="credit-default",
        number=1,
        version="0" * 64,
        package="0" * 64,
        approvals=(),
        evidence=(),
        policy="p",
        reason="back-dated",
    )
    about, environment = "endpoint/prod/credit", Environment.PROD
    fact = Fact(FactKind.ROLLOUT, about, "demo", dated, body.model_dump(mode="json"), environment=environment)
    with pytest.raises(OffClock):
        log.append(house.signer.sign(fact))
    log.append(house.signer.sign(replace(fact, time=datetime.now(UTC).isoformat())))
    assert log.tree.size == before + 1
