"""A ledger's store as a file, read without the ledger and without changing a byte of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from assay.errors import BadRequest
from assay.ledger.auditing import Finding
from assay.ledger.errors import StoreUnreadable
from assay.ledger.outline import outline_of


class StoredLog:
    """The entries and notes of a store; `misfiled` fills while the entries are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.misfiled: list[Finding] = []

    def notes(self) -> list[str]:
        """Return every saved note, smallest size first; raises StoreUnreadable."""
        return [str(note) for (note,) in self._rows("SELECT note FROM checkpoint ORDER BY size")]

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield index and envelope in order; raises StoreUnreadable."""
        for index, digest, kind, about, body in self._rows(
            "SELECT idx, digest, kind, about, body FROM entry ORDER BY idx"
        ):
            entry = bytes(body)
            self._file(int(index), entry, (str(kind), str(about), bytes(digest).hex()))
            yield int(index), entry

    def _file(self, index: int, entry: bytes, filed: tuple[str, str, str]) -> None:
        """Notice a row that is filed as something else than its envelope says."""
        try:
            said = outline_of(entry)
        except BadRequest:
            return  # the audit itself says so
        if filed != (said.kind.value, said.about, said.digest):
            self.misfiled.append(Finding("row", index, index, "it is filed as something else than it says"))

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                yield from connection.execute(query)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise StoreUnreadable(f"{self._path} is no ledger's store: {error}") from error
