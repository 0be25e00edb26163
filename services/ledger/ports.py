"""Where a log's entries and signed notes are kept: the SQLite file or the PostgreSQL database of one log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol


class Row(NamedTuple):
    """An entry as it is stored: `digest` is its fact's, 32 bytes, and `body` the canonical envelope."""

    position: int
    digest: bytes
    kind: str
    about: str
    body: bytes


class Rows(Protocol):
    """The entries, which only grow, and the notes. One process writes; reads come from any thread.

    Nothing else is kept: heads, revocations and the tree are made of the entries when a log is opened, and what is
    searched is another table's.
    """

    def commit(self, batch: Sequence[Row]) -> None:
        """Make a batch durable, all or nothing.

        Raises:
            StoreFailed: it was refused; another process that wrote one of these places is a reason.
        """

    def save_note(self, size: int, note: str) -> None:
        """Keep the newest note of a size, durably; raises StoreFailed."""

    def size(self) -> int:
        """Return one past the last entry's index."""

    def find(self, digest: bytes) -> int | None:
        """Return the index of a fact."""

    def bodies(self, start: int, limit: int) -> list[bytes]:
        """Return envelopes in order, as far as there are any."""

    def stored(self) -> Iterator[Row]:
        """Yield every entry in order of its index."""

    def last_note(self) -> str | None:
        """Return the newest saved checkpoint."""

    def close(self) -> None:
        """Let another process open the store."""
