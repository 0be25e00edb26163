"""A policy decision in process (Wasm) beside OPA over HTTP with mutual TLS, through opa-python-client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.policy import OpaWasm
from assay.policy.asking import Asking
from assay_laptop.opa.find import find_opa, folder
from benchmarks.report import Row
from tests.contract.policy.world import serving

DANA = Asking.at("/people/p-dana", person="p-dana", role="data-scientist")
TRAINING = Asking.at(
    "/svc/core/training", person="p-dana", role="data-scientist", grants="features/build-feature-set"
)
RESOURCE = {"service": "registry", "path": {"name": "credit-default", "number": "3"}}
WARM, IN_PROCESS, OVER_HTTP = 300, 5000, 1500  # decisions


def run() -> Iterable[Row]:
    """Measure the same decisions both ways, interleaved in one run."""
    opa = find_opa()
    wasm = OpaWasm(folder() / "policy.wasm")
    server = "opa" if opa else "the built-in server"
    with TemporaryDirectory() as scratch, serving(opa, Path(scratch) / "opa") as running:
        over_http = running.engine()
        for name, caller, action in (
            ("a person, by role", DANA, "registry/request-approval"),
            ("a service, by a person's grant", TRAINING, "features/build-feature-set"),
        ):

            def ours(caller: Asking = caller, action: str = action) -> None:
                wasm.require(action, caller, RESOURCE)

            def theirs(caller: Asking = caller, action: str = action) -> None:
                over_http.require(action, caller, RESOURCE)

            own, other = _microseconds(ours, IN_PROCESS), _microseconds(theirs, OVER_HTTP)
            yield Row(
                f"a decision: {name}",
                f"p50 {own[0]:.0f} µs, p99 {own[1]:.0f} µs",
                f"p50 {other[0]:.0f} µs, p99 {other[1]:.0f} µs",
                f"{other[0] / own[0]:.1f}x",
                aim="5x, p50 60 µs",
                note=f"peer: {server} over mTLS, opa-python-client",
            )
        over_http.close()


def _microseconds(decide: Callable[[], None], count: int) -> tuple[float, float]:
    for _ in range(WARM):
        decide()
    took = []
    for _ in range(count):
        began = time.perf_counter_ns()
        decide()
        took.append((time.perf_counter_ns() - began) / 1000)
    took.sort()
    return took[count // 2], took[count * 99 // 100]
