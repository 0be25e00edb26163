"""The demonstration's prediction with every protection, beside the same model behind the same server with none.

With: mutual TLS, caller and roles, policy in process, lease, verified model, receipt on disk before the answer.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from assay_laptop.platform.addresses import free_ports
from assay_laptop.platform.environment import Timing
from benchmarks.report import Row
from benchmarks.support.lean import LeanClient, micro, p50, request, seconds_of
from benchmarks.support.platform import Answering, answering

BLOCKS: Final = 20
REQUESTS: Final = 100  # in a block; the two take turns
TICK: Final = os.sysconf("SC_CLK_TCK")


def run() -> Iterable[Row]:
    """Run the main job, then ask both the same, one request after the other."""
    with answering(Timing(lease=60)) as platform, bare(platform) as (bare_port, bare_pid):
        ask = question(platform)
        protected_pid = child_of(platform, "services.predictor")
        port = int(predictor_url(platform).rpartition(":")[2])
        with LeanClient(port, context(platform)) as ours, LeanClient(bare_port) as peer:
            seconds_of(lambda: ours.ask(ask), REQUESTS)
            seconds_of(lambda: peer.ask(ask), REQUESTS)
            yield from compared(ours, peer, ask, (protected_pid, bare_pid))


def compared(ours: LeanClient, peer: LeanClient, ask: bytes, pids: tuple[int, int]) -> Iterable[Row]:
    """Take turns; report latency and the servers' CPU time."""
    taken: tuple[list[float], list[float]] = ([], [])
    began = tuple(cpu_seconds(pid) for pid in pids)
    for _ in range(BLOCKS):
        taken[0].extend(seconds_of(lambda: ours.ask(ask), REQUESTS))
        taken[1].extend(seconds_of(lambda: peer.ask(ask), REQUESTS))
    count = BLOCKS * REQUESTS
    cpu = [(cpu_seconds(pid) - start) / count * 1e6 for pid, start in zip(pids, began, strict=True)]
    latency = [p50(each) for each in taken]
    note = f"{count:,} predictions each, in turns, one client; two rows of the demonstration's features"
    for what, (one, other), said in (("p50 latency", latency, note), ("CPU of the server", cpu, "a request")):
        yield Row(
            f"prediction: {what}",
            micro(one),
            f"{micro(other)} unprotected",
            f"{one / other:.2f}x",
            "reported",
            said,
        )


def question(platform: Answering) -> bytes:
    """Return the request's bytes."""
    rows = platform.thread.rows()
    data = [value for row in rows for value in row]
    tensor = {"name": "features", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": data}
    body = json.dumps({"inputs": [tensor]}).encode()
    return request(f"/v2/models/{MODEL}/infer", body, method="POST")


def predictor_url(platform: Answering) -> str:
    """Return where the endpoint answers."""
    return str(platform.thread.sessions["dana"].endpoints.get(ENVIRONMENT, ENDPOINT)["url"])


def context(platform: Answering) -> ssl.SSLContext:
    """Return TLS as dana."""
    home = platform.supervisor.home
    made = ssl.create_default_context(cafile=home.ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(home.person("dana") / "identity.pem")
    return made


@contextmanager
def bare(platform: Answering) -> Iterator[tuple[int, int]]:
    """Run the unprotected server over the same bytes; give its port and process id."""
    digest = platform.thread.versions[0]["package"]
    model = platform.thread.sessions["dana"].models.package(digest)["model.onnx"]
    with TemporaryDirectory() as folder:
        path, port = Path(folder) / "model.onnx", free_ports(1)[0]
        path.write_bytes(model)
        argv = [sys.executable, "-m", "benchmarks.support.bare_predictor", str(port), str(path)]
        process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        try:
            _until_listening(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def child_of(platform: Answering, module: str) -> int:
    """Return the predictor's process id: a child of serving."""
    serving = platform.supervisor.parts["serving"].process
    if serving is None:
        raise RuntimeError("serving does not run")
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == serving.pid and module in (path / "cmdline").read_text():
                return int(path.name)
        except OSError:
            continue
    raise RuntimeError(f"serving has no child {module}")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _until_listening(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on {port}")
        time.sleep(0.1)
