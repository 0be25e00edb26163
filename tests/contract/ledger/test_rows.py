"""One contract for where a log's rows are kept: an SQLite file or a PostgreSQL database."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256

import pytest

from services.ledger.errors import StoreFailed, StoreInUse, StoreMissing
from services.ledger.ports import Row, Rows
from services.ledger.store import rows_at


def row(position: int, about: str = "run/r-1", kind: str = "run") -> Row:
    body = os.urandom(40)
    return Row(position, sha256(body).digest(), kind, about, body)


@pytest.fixture
def rows(store_url: str) -> Iterator[Rows]:
    with closing(rows_at(store_url, create=True)) as opened:
        yield opened


def test_a_batch_is_read_back_as_it_was_written(rows: Rows) -> None:
    batch = [row(0, "root", "root"), *(row(n, f"run/r-{n}") for n in range(1, 700))]
    rows.commit(batch)
    assert list(rows.stored()) == batch
    assert rows.size() == len(batch)
    assert rows.bodies(5, 3) == [one.body for one in batch[5:8]]
    assert rows.bodies(698, 1000) == [one.body for one in batch[698:]]
    assert [rows.find(one.digest) for one in batch[:3]] == [0, 1, 2]
    assert rows.find(bytes(32)) is None


def test_an_empty_store_says_so(rows: Rows) -> None:
    assert (rows.size(), list(rows.stored()), rows.last_note(), rows.bodies(0, 10)) == (0, [], None, [])


def test_a_batch_whose_place_is_taken_is_refused_whole(rows: Rows) -> None:
    rows.commit([row(0), row(1)])
    rival = [row(1), row(2)]
    with pytest.raises(StoreFailed):
        rows.commit(rival)
    assert rows.size() == 2
    assert rows.find(rival[1].digest) is None
    rows.commit([row(2)])


def test_a_fact_stands_once(rows: Rows) -> None:
    first = row(0)
    rows.commit([first])
    with pytest.raises(StoreFailed):
        rows.commit([first._replace(position=1)])


@pytest.mark.parametrize("about", ["run/é-\U0001f511", "run/nul-\x00-inside", "x" * 400])
def test_any_text_may_be_what_a_fact_is_about(rows: Rows, about: str) -> None:
    rows.commit([row(0, about)])
    assert [one.about for one in rows.stored()] == [about]


def test_the_newest_note_of_the_largest_size_is_kept(rows: Rows) -> None:
    for size, note in ((1, "one"), (10, "ten"), (10, "ten again"), (2, "two")):
        rows.save_note(size, note)
    assert rows.last_note() == "ten again"


def test_one_process_at_a_time_writes(rows: Rows, store_url: str) -> None:
    with pytest.raises(StoreInUse):
        rows_at(store_url, create=True)


def test_another_process_may_write_after_it_is_closed(store_url: str) -> None:
    for position in range(3):
        with closing(rows_at(store_url, create=not position)) as opened:
            opened.commit([row(position)])
            assert opened.size() == position + 1


def test_a_store_does_not_begin_by_itself(store_url: str) -> None:
    with pytest.raises(StoreMissing):
        rows_at(store_url, create=False)


def test_reading_goes_on_from_many_threads_while_one_writes(rows: Rows) -> None:
    rows.commit([row(n) for n in range(100)])
    wrong: list[int] = []

    def read() -> None:
        for _ in range(30):
            held = len(rows.bodies(0, 1000))
            if not held <= rows.size():
                wrong.append(held)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for position in range(100, 130):
        rows.commit([row(position)])
    for thread in threads:
        thread.join()
    assert not wrong
    assert rows.size() == 130


def test_entries_only_grow_even_for_their_owner(
    rows: Rows, sql_at: Callable[[str, str], None], store_url: str
) -> None:
    rows.commit([row(0), row(1)])
    for statement in ("UPDATE entry SET idx = 99 WHERE idx = 1", "DELETE FROM entry"):
        with pytest.raises(Exception, match="only grow"):
            sql_at(store_url, statement)
    assert rows.size() == 2
