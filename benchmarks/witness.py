"""How long an append waits for the checkpoint that covers it: without a witness, and with one.

Both logs are real, in this process, with the real application between ledger and witness (HTTP without TLS).
Appends are far enough apart that the 100 ms between two signatures do not count.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Row
from services.ledger.publishing import SHORTEST_INTERVAL
from tests.support.ledger import House
from tests.support.ledger import run as some_run

APPENDS = 40
PATIENCE = 10.0


def run() -> Iterable[Row]:
    """Yield the table's rows."""
    with TemporaryDirectory() as folder:
        alone = _milliseconds(House(Path(folder) / "alone"))
        watched = _milliseconds(House(Path(folder) / "watched", witnesses=1))
        quorum = _milliseconds(House(Path(folder) / "three", witnesses=3, quorum=2))
    for name, found in (("1 of 1", watched), ("2 of 3", quorum)):
        yield Row(
            what=f"append to covering checkpoint, {name} witnesses",
            ours=f"{found:.1f} ms p50",
            peer=f"{alone:.1f} ms without a witness",
            ratio=f"{found - alone:+.1f} ms",
            note="recomputed, kept with fsync, cosigned",
        )


def _milliseconds(house: House) -> float:
    taken = []
    with house.open() as log:
        house.found(log)
        with house.watched(log):
            for n in range(APPENDS):
                time.sleep(SHORTEST_INTERVAL * 1.5)
                began = time.perf_counter()
                record = log.append(house.signer.sign(some_run(f"r-{n}")))
                log.publisher.covering(record.index + 1, PATIENCE)
                taken.append((time.perf_counter() - began) * 1000)
    return median(taken)
