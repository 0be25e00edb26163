"""From bytes to a typed table, or a refusal that names what is wrong and never repeats a value.

Parquet and CSV. Types are converted only where nothing is lost. Timestamps are naive and mean UTC.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

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

PARQUET: Final = "application/vnd.apache.parquet"
CSV: Final = "text/csv"
MAX_ROWS: Final = 5_000_000
MAX_BYTES: Final = 1 << 30  # of the decoded table
ROWS_AT_ONCE: Final = 1024
TIMESTAMP: Final = pa.timestamp("us")
TYPES: Final[Mapping[str, pa.DataType]] = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "date32": pa.date32(),
    "timestamp[us]": TIMESTAMP,
}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def arrow_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow schema of a contract; raises BadContract for a type we do not keep."""
    unknown = [f"{name}: {kind[:40]!r}" for name, kind in columns.items() if kind not in TYPES]
    if unknown:
        raise BadContract(f"schema.{unknown[0]} is not one of {', '.join(TYPES)}")
    if columns.get(RECORDED_AT, "timestamp[us]") != "timestamp[us]":
        raise BadContract(f"schema.{RECORDED_AT} is when a row became known, and so timestamp[us]")
    return pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])


def read(content: bytes, media_type: str, columns: Mapping[str, str]) -> pa.Table:
    """Return the table in the contract's column order and types.

    Raises:
        UnsupportedMediaType, EmptyBatch, NotATable, WrongColumns, WrongTypes, TableTooLarge.
    """
    readers = {PARQUET: _read_parquet, CSV: _read_csv}
    if media_type not in readers:
        raise UnsupportedMediaType(f"{media_type[:80]!r} is neither Parquet nor CSV")
    if not content:
        raise EmptyBatch("the file is empty")
    schema = arrow_schema(columns)
    table = readers[media_type](content, schema.names)
    _check_columns(table.column_names, schema.names)
    if table.num_rows == 0:
        raise EmptyBatch("the table has columns and no row")
    parse = media_type == CSV
    typed = [_convert(table.column(field.name), field, parse=parse) for field in schema]
    return pa.Table.from_arrays(typed, schema=schema)


def recorded(table: pa.Table, at: datetime) -> pa.Table:
    """Return the table saying of each row when it became known: its own column, else `at` for all."""
    if RECORDED_AT not in table.column_names:
        column = pa.repeat(pa.scalar(at, TIMESTAMP), table.num_rows)
        return table.append_column(RECORDED_AT, column)
    column = table.column(RECORDED_AT)
    if column.null_count:
        raise WrongTypes(f"{RECORDED_AT} is missing in {column.null_count} rows")
    if pc.max(column).as_py() > at:
        raise WrongTypes(f"{RECORDED_AT} is later than the batch's own {at.isoformat()}")
    return table


def _read_parquet(content: bytes, _names: Sequence[str]) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_names(file.schema_arrow.names)
        _check_size(file.metadata.num_rows, _declared_bytes(file.metadata))
        return _bounded(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotATable("the bytes are not a readable Parquet file") from error


def _declared_bytes(metadata: pq.FileMetaData) -> int:
    groups = range(metadata.num_row_groups)
    return sum(int(metadata.row_group(group).total_byte_size) for group in groups)


def _bounded(file: pq.ParquetFile) -> pa.Table:
    """Decode a few rows at a time: a small file that unpacks to a huge table is stopped on its way."""
    batches, size = [], 0
    for encoded in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
        batch = _decoded(encoded)
        size += batch.nbytes
        _check_size(0, size)
        batches.append(batch)
    return pa.Table.from_batches(batches) if batches else file.schema_arrow.empty_table()


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch without dictionaries, which make a huge column look small."""
    columns = [
        pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _read_csv(content: bytes, names: Sequence[str]) -> pa.Table:
    if content.startswith((b"PAR1", b"PARE")):
        raise NotATable("the bytes are Parquet and came as text/csv")
    options = pcsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    try:
        table = pcsv.read_csv(
            pa.BufferReader(content),
            convert_options=options,
            read_options=pcsv.ReadOptions(use_threads=False),
        )
    except (pa.ArrowException, ValueError) as error:
        raise NotATable("the bytes are not UTF-8 CSV with a header line and rows of equal length") from error
    _check_names(table.column_names)
    _check_size(table.num_rows, table.nbytes)
    return table


def _check_size(rows: int, size: int) -> None:
    if rows > MAX_ROWS:
        raise TableTooLarge(f"a batch has {MAX_ROWS} rows at most, this one {rows}")
    if size > MAX_BYTES:
        raise TableTooLarge(f"a batch has {MAX_BYTES >> 20} MiB at most when decoded")


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise WrongColumns("two columns have the same name")


def _check_columns(found: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    if missing or unexpected:
        raise WrongColumns(f"missing: {_listed(missing)}; unexpected: {_listed(unexpected)}")


def _listed(names: Sequence[str]) -> str:
    """List what looks like a column name; a headless CSV's first row is data and is only counted."""
    shown = [name for name in names if _NAME.fullmatch(name)][:10]
    rest = len(names) - len(shown)
    return ", ".join([*shown, *([f"{rest} more"] if rest else [])]) or "none"


def _convert(column: pa.ChunkedArray, field: pa.Field, *, parse: bool) -> pa.ChunkedArray:
    if not parse and _family(column.type) not in (_family(field.type), "null"):
        raise WrongTypes(f"column {field.name} is {column.type}, not {field.type}")
    try:
        return _cast(column, field.type)
    except (pa.ArrowException, ValueError) as error:
        row = _first_failure(column, field.type) + 1
        raise WrongTypes(
            f"column {field.name} does not convert from {column.type} to {field.type}, first in row {row}"
        ) from error


def _family(kind: pa.DataType) -> str:
    """Return what converts into each other without being parsed; other types are a family of their own."""
    families = {
        "null": pa.types.is_null,
        "boolean": pa.types.is_boolean,
        "number": lambda t: pa.types.is_integer(t) or pa.types.is_floating(t),
        "text": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t),
        "time": lambda t: pa.types.is_timestamp(t) or pa.types.is_date(t),
    }
    return next((name for name, is_one in families.items() if is_one(kind)), str(kind))


def _cast(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_string(column.type) and wanted == TIMESTAMP:
        column = _parsed_times(column)
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(pc.cast(column, pa.timestamp(column.type.unit, "UTC")))
    return pc.cast(column, wanted, safe=True)


def _parsed_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read ISO 8601 with up to nine decimals, with a zone or without."""
    for kind in (TIMESTAMP, pa.timestamp("us", "UTC"), pa.timestamp("ns")):
        with contextlib.suppress(pa.ArrowInvalid):
            return pc.cast(column, kind)
    raise pa.ArrowInvalid("not ISO 8601")


def _first_failure(column: pa.ChunkedArray, wanted: pa.DataType) -> int:
    """Return the first row that does not convert, by halving."""
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _converts(column.slice(low, middle - low), wanted) else (low, middle)
    return low


def _converts(column: pa.ChunkedArray, wanted: pa.DataType) -> bool:
    try:
        _cast(column, wanted)
    except (pa.ArrowException, ValueError):
        return False
    return True
