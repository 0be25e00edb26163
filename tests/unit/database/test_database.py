from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from assay.database import AppliedIndex, create, engine, insert_once, reading

METADATA = sa.MetaData()
WORDS = sa.Table("words", METADATA, sa.Column("word", sa.String, primary_key=True))


@pytest.fixture
def database(tmp_path: Path) -> sa.Engine:
    made = engine(f"sqlite:///{tmp_path}/service/projection.db")
    create(made, METADATA)
    return made


def test_what_is_acknowledged_is_kept_through_a_power_cut(database: sa.Engine) -> None:
    with reading(database) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_the_file_is_readable_by_its_owner_alone(database: sa.Engine) -> None:
    assert Path(str(database.url.database)).stat().st_mode & 0o077 == 0


def test_a_projection_and_its_index_move_together_or_not_at_all(database: sa.Engine) -> None:
    applied = AppliedIndex(database)
    assert applied.get() == 0
    with database.begin() as connection:
        connection.execute(WORDS.insert().values(word="kept"))
        applied.set(connection, 1)

    def fail_half_way() -> None:
        with database.begin() as connection:
            connection.execute(WORDS.insert().values(word="lost"))
            applied.set(connection, 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with reading(database) as connection:
        assert connection.scalars(sa.select(WORDS.c.word)).all() == ["kept"]
    assert AppliedIndex(database).get() == 1


def test_two_writers_wait_for_each_other_and_lose_nothing(database: sa.Engine) -> None:
    applied = AppliedIndex(database)

    def count() -> None:
        for _ in range(20):
            with database.begin() as connection:
                seen = connection.scalar(sa.text("select coalesce(max(next), 0) from applied_index"))
                applied.set(connection, int(seen or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied.get() == 40


def test_a_reader_is_not_held_up_by_an_open_writer(database: sa.Engine) -> None:
    with database.begin() as writer:
        writer.execute(WORDS.insert().values(word="unseen"))
        with reading(database) as connection:
            assert connection.scalars(sa.select(WORDS.c.word)).all() == []


def test_insert_once_leaves_the_first_row(database: sa.Engine) -> None:
    for _ in range(2):
        with database.begin() as connection:
            connection.execute(insert_once(WORDS, database).values(word="one"))
    with reading(database) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(WORDS)) == 1
