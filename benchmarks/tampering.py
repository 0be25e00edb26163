"""10,000 random changes of a log's entries, proofs and checkpoints, against an auditor that kept an earlier checkpoint.

Every one has to be found and its place said; clean copies have to raise nothing. `ASSAY_TAMPERINGS` changes the number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.report import Row
from tests.support.tampering import KINDS, TARGETS, World, changes, clean_copies, judged

COUNT: Final = int(os.environ.get("ASSAY_TAMPERINGS", "10000"))
SEED: Final = 1


def run() -> Iterator[Row]:
    """Change, audit, count."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        start = time.perf_counter()
        tally = judged(world, changes(world, SEED), COUNT)
        seconds = time.perf_counter() - start
        clean = list(clean_copies(world))
    for target in TARGETS:
        for kind in KINDS:
            key = (target, kind)
            exact, within = tally.exact[key], tally.within[key]
            yield Row(
                f"{target}: {kind}",
                f"{exact + within} of {tally.made[key]} found and located",
                "",
                "",
                "all",
                f"{exact} exactly, {within} between two checkpoints",
            )
    yield Row(
        "all changes",
        f"{sum(tally.exact.values()) + sum(tally.within.values())} of {sum(tally.made.values())}",
        "",
        "",
        "all",
        f"{len(tally.missed)} missed, {len(tally.elsewhere)} found elsewhere; {seconds / COUNT * 1000:.1f} ms each",
    )
    alarms = sum(1 for found in clean if found)
    yield Row("false alarms on clean copies", f"{alarms} of {len(clean)}", "", "", "0")
