"""Wasm in process beside `opa` over HTTP on 100,000 made-up questions: how many answers differ (none should).

`ASSAY_DIFFERENTIAL=250000` asks more, `ASSAY_SEED=7` asks others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from assay.policy import OpaWasm
from assay.policy.preview import rights_of
from assay_laptop.opa.find import find_opa, folder
from benchmarks.report import Row
from tests.support.differential import compare

QUESTIONS = 100_000


def run() -> Iterable[Row]:
    """Compare the engines; without `opa` there is nothing to compare with."""
    opa = find_opa()
    if opa is None:
        yield Row("questions answered alike", "-", "-", "-", note="no `opa` on the PATH or in ASSAY_BIN")
        return
    total = int(os.environ.get("ASSAY_DIFFERENTIAL", QUESTIONS))
    seed = int(os.environ.get("ASSAY_SEED", "20261121"))
    wasm = OpaWasm(folder() / "policy.wasm")
    began = time.perf_counter()
    done = compare(opa, wasm, total, seed)
    seconds = time.perf_counter() - began
    missed = set(rights_of(wasm)) - set(done.asked)
    for question, own, other in done.differences[:5]:
        print(f"DIFFERS {question}\n  wasm {own}\n  opa  {other}")
    yield Row(
        "answers that differ",
        f"{len(done.differences)} of {done.questions:,}",
        "opa over HTTP",
        "",
        aim="0 of 100,000",
        note=f"seed {seed}, {seconds:.0f} s; {len(done.said)} rules spoke, {len(missed)} actions not asked",
    )
