"""Opening a log: the service does it at start, `assay init` does it to write the first entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from assay.errors import NotBuilt
from assay.ledger import Root
from services.ledger.adapters.postgresql import PostgresRows
from services.ledger.adapters.sqlite import SqliteRows
from services.ledger.errors import StoreMissing
from services.ledger.log import Log
from services.ledger.ports import Rows
from services.ledger.startup import recover


def open_store(
    database_url: str,
    root: Root,
    sign: Callable[[bytes], bytes],
    *,
    create: bool = True,
    lease_seconds: float = 60,
    clock: Callable[[], float] = time.time,
    on_failure: Callable[[], None] = lambda: None,
) -> Log:
    """Return the log of a store that is whole, ready to append to.

    `sign` gives 64 bytes of Ed25519 by the root's log key. Without `create` an empty store is refused.
    Checkpoints are signed anew at least every fifth of `lease_seconds`. `on_failure` is called once when the
    store refuses a write.

    Raises:
        StoreMissing, StoreInUse: there is none, or another process has it.
        StoreEdited, LogForked, LogTruncated: it is not what was appended and signed.
    """
    with ExitStack() as undo:
        rows = rows_at(database_url, create=create)
        undo.callback(rows.close)
        state = recover(rows, root)
        if not (create or state.tree.size):
            raise StoreMissing("the store holds no entry: its log has no root")
        log = Log(rows, state, sign, resign_seconds=lease_seconds / 5, clock=clock, on_failure=on_failure)
        undo.pop_all()
        return log


def rows_at(database_url: str, *, create: bool) -> Rows:
    """Return the rows at an address: an SQLite file, or a PostgreSQL database that holds one log.

    Raises:
        StoreMissing, StoreInUse, StoreFailed: there is none, another process has it, or it is no store.
    """
    url = sa.make_url(database_url)
    match url.get_backend_name():
        case "sqlite" if url.database:
            return SqliteRows(Path(url.database), create=create)
        case "postgresql":
            conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
            return PostgresRows(conninfo, create=create)
    raise NotBuilt(f"a ledger on {url.get_backend_name()}: it is kept in an SQLite file or in PostgreSQL")
