from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from services.ingestion import tables
from services.ingestion.domain import RECORDED_AT
from services.ingestion.errors import (
    BadContract,
    EmptyBatch,
    NotATable,
    TableTooLarge,
    UnsupportedMediaType,
    WrongColumns,
    WrongTypes,
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


SCHEMA = {"client_id": "int32", "paid": "float64", "email": "string", "day": "timestamp[us]"}
ROWS = pa.table(
    {
        "client_id": pa.array([1, 2, 3], pa.int64()),
        "paid": [1.5, None, 3.0],
        "email": ["a@x.example", None, "c@x.example"],
        "day": pa.array([at("2005-04-30")] * 3, pa.timestamp("ns")),
    }
)


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pcsv.write_csv(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize(("make", "media_type"), [(parquet, tables.PARQUET), (csv, tables.CSV)])
def test_both_formats_give_the_contracts_types_and_order(
    make: Callable[[pa.Table], bytes], media_type: str
) -> None:
    shuffled = ROWS.select(["email", "day", "client_id", "paid"])
    table = tables.read(make(shuffled), media_type, SCHEMA)
    assert table.schema.equals(tables.arrow_schema(SCHEMA))
    assert table.to_pydict() == ROWS.cast(tables.arrow_schema(SCHEMA)).to_pydict()


def test_nothing_at_all_and_a_table_without_rows_are_empty() -> None:
    with pytest.raises(EmptyBatch, match="file is empty"):
        tables.read(b"", tables.PARQUET, SCHEMA)
    for content, media_type in (
        (parquet(ROWS.slice(0, 0)), tables.PARQUET),
        (csv(ROWS.slice(0, 0)), tables.CSV),
    ):
        with pytest.raises(EmptyBatch, match="no row"):
            tables.read(content, media_type, SCHEMA)


@pytest.mark.parametrize("content", [b"\x00" * 4096, b"PAR1" + b"\xff" * 999 + b"PAR1", b"PAR1", b"hello"])
def test_nonsense_is_no_parquet(content: bytes) -> None:
    with pytest.raises(NotATable):
        tables.read(content, tables.PARQUET, SCHEMA)


@pytest.mark.parametrize("content", [b"a,b\n1,2,3\n", b"\xff\xfe\x00\x01\n\x80,\x81\n", parquet(ROWS)])
def test_nonsense_is_no_csv(content: bytes) -> None:
    with pytest.raises((NotATable, WrongColumns)):
        tables.read(content, tables.CSV, SCHEMA)


def test_a_broken_off_parquet_file_is_not_read_in_part() -> None:
    whole = parquet(ROWS)
    for length in range(1, len(whole), 97):
        with pytest.raises(NotATable):
            tables.read(whole[:length], tables.PARQUET, SCHEMA)


def test_wrong_columns_are_named() -> None:
    wrong = ROWS.rename_columns(["client", "paid", "email", "day"])
    with pytest.raises(WrongColumns, match="missing: client_id; unexpected: client"):
        tables.read(parquet(wrong), tables.PARQUET, SCHEMA)


def test_a_csv_without_header_does_not_get_its_first_row_repeated() -> None:
    with pytest.raises(WrongColumns) as refusal:
        tables.read(
            b"1,2.5,ada.canary@x.example,2005-04-30\n2,3.5,b@x.example,2005-04-30\n", tables.CSV, SCHEMA
        )
    assert "canary" not in str(refusal.value)
    assert "4 more" in str(refusal.value)


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pa.table([ROWS["client_id"], ROWS["client_id"]], names=["client_id", "client_id"])
    with pytest.raises((WrongColumns, NotATable)):
        tables.read(parquet(twice), tables.PARQUET, SCHEMA)


def test_a_csv_value_of_the_wrong_type_is_placed_and_not_repeated() -> None:
    content = b"client_id,paid,email,day\n1,1.0,a,2005-04-30\n2,secret-value,b,2005-04-30\n"
    with pytest.raises(WrongTypes, match=r"paid .* first in row 2") as refusal:
        tables.read(content, tables.CSV, SCHEMA)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("client_id", pa.array(["1", "2", "3"])),
        ("client_id", pa.array([1.5, 2.0, 3.0])),
        ("client_id", pa.array([1 << 40, 2, 3])),
        ("day", pa.array([1, 2, 3])),
        ("email", pa.array([1, 2, 3])),
        ("paid", pa.array([[1.0], [2.0], []])),
    ],
)
def test_parquet_types_that_would_lose_or_invent_something_are_refused(column: str, values: pa.Array) -> None:
    place = ROWS.column_names.index(column)
    with pytest.raises(WrongTypes, match=column):
        tables.read(parquet(ROWS.set_column(place, column, values)), tables.PARQUET, SCHEMA)


def test_times_with_a_zone_become_utc() -> None:
    noon = pa.array([dt.datetime(2005, 4, 30, 12, tzinfo=dt.UTC)] * 3, pa.timestamp("ms", "Asia/Taipei"))
    table = tables.read(parquet(ROWS.set_column(3, "day", noon)), tables.PARQUET, SCHEMA)
    assert table["day"][0].as_py() == at("2005-04-30T12:00")


def test_other_media_types_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedMediaType, match="application/x-pickle"):
        tables.read(b"x", "application/x-pickle", SCHEMA)


def test_a_small_file_that_unpacks_to_a_huge_table_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 1 << 20)
    bomb = pa.table({"email": pa.array(["x" * 1000] * 20_000).dictionary_encode()})
    content = parquet(bomb)
    assert len(content) < 100_000
    with pytest.raises(TableTooLarge):
        tables.read(content, tables.PARQUET, {"email": "string"})


def test_more_rows_than_a_batch_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    with pytest.raises(TableTooLarge, match="2 rows at most"):
        tables.read(parquet(ROWS), tables.PARQUET, SCHEMA)


def test_unknown_types_and_a_recorded_at_that_is_no_time_are_no_contract() -> None:
    with pytest.raises(BadContract, match="decimal"):
        tables.arrow_schema({"a": "decimal(3,2)"})
    with pytest.raises(BadContract, match="recorded_at"):
        tables.arrow_schema({"recorded_at": "string"})


def test_every_row_says_when_it_became_known() -> None:
    known = at("2005-05-01")
    table = tables.recorded(ROWS, known)
    assert set(table[RECORDED_AT].to_pylist()) == {known}
    own = pa.array([at("2005-04-01")] * 3, pa.timestamp("us"))
    kept = tables.recorded(ROWS.append_column(RECORDED_AT, own), known)
    assert set(kept[RECORDED_AT].to_pylist()) == {at("2005-04-01")}


def test_a_row_known_after_its_batch_was_recorded_is_refused() -> None:
    later = pa.array([at("2005-06-01"), None, at("2005-04-01")], pa.timestamp("us"))
    table = ROWS.append_column(RECORDED_AT, later)
    with pytest.raises(WrongTypes, match="missing in 1 row"):
        tables.recorded(table, at("2005-05-01"))
    with pytest.raises(WrongTypes, match="later than"):
        tables.recorded(table.take([0, 2]), at("2005-05-01"))
