"""One row of the report, and its table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH = 180


@dataclass(frozen=True)
class Row:
    """What was measured beside what; `ratio` says how many times better than the peer ours is, in words."""

    what: str
    ours: str
    peer: str
    ratio: str
    aim: str = ""
    note: str = ""


def show(title: str, rows: Iterable[Row]) -> None:
    """Print a table as its rows come."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("what", "ours", "peer", "ratio", "aim", "note"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row.what, row.ours, row.peer, row.ratio, row.aim, row.note)
    Console(width=WIDTH).print(table)
