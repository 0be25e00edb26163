from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay import encrypted
from assay.errors import SignatureInvalid

TABLE = pa.table({"name": ["Ada Canary", "Bea Canary"], "amount": pa.array([1, 2], pa.int32())})
KEY = bytes(range(32))


def test_a_table_comes_back_whole_and_by_column() -> None:
    data = encrypted.write(TABLE, KEY)
    assert encrypted.read(data, KEY).equals(TABLE)
    assert encrypted.read(data, KEY, ["amount"]).to_pydict() == {"amount": [1, 2]}


def test_neither_values_nor_column_names_stand_in_the_bytes() -> None:
    data = encrypted.write(TABLE, KEY)
    assert b"Canary" not in data
    assert b"amount" not in data


def test_every_changed_byte_is_noticed() -> None:
    data = encrypted.write(TABLE, KEY)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(SignatureInvalid):
            encrypted.read(bytes(changed), KEY)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SignatureInvalid):
        encrypted.read(encrypted.write(TABLE, KEY), os.urandom(32))


def test_a_plain_parquet_file_is_not_taken_for_an_encrypted_one() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink)
    with pytest.raises(SignatureInvalid):
        encrypted.read(bytes(sink.getvalue()), KEY)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="32 bytes"):
        encrypted.write(TABLE, b"short")


def test_an_empty_table_keeps_its_columns() -> None:
    data = encrypted.write(TABLE.slice(0, 0), KEY)
    assert encrypted.read(data, KEY).schema.equals(TABLE.schema)
