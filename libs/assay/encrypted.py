"""Parquet that is never plaintext outside memory: uniform AES_GCM_V1, footer included.

Every column and the footer are encrypted and authenticated by one 256-bit data key (unencrypted columns and
AES_GCM_CTR_V1 data are not authenticated by the format, so neither is offered). Use a fresh key for each
file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC: Final = b"PARE"
KEY_BYTES: Final = 32
ROWS_PER_GROUP: Final = 1 << 18


def write(table: pa.Table, key: bytes) -> bytes:
    """Return `table` as one encrypted Parquet file under a 32-byte key used for nothing else."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow.parquet.encryption import create_encryption_properties

    properties = create_encryption_properties(_checked(key), encryption_algorithm="AES_GCM_V1")
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="zstd", row_group_size=ROWS_PER_GROUP, encryption_properties=properties
    )
    return bytes(sink.getvalue())


def read(data: bytes, key: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the table, or only some columns of it, decrypted in memory.

    Raises:
        SignatureInvalid: wrong key, changed bytes, or a file that is not encrypted.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow.parquet.encryption import create_decryption_properties

    properties = create_decryption_properties(_checked(key), allow_plaintext_files=False)
    if not data.startswith(MAGIC):  # the reader looks at the last four bytes only
        raise SignatureInvalid("these bytes are not an encrypted Parquet file")
    try:
        return pq.read_table(
            pa.BufferReader(data),
            columns=list(columns) if columns is not None else None,
            decryption_properties=properties,
        )
    except (OSError, pa.ArrowException) as error:
        raise SignatureInvalid("the encrypted table does not open with this key over these bytes") from error


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise SignatureInvalid(f"a data key has {KEY_BYTES} bytes, this one {len(key)}")
    return key
