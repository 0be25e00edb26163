"""Runs one ONNX graph over rows in a process of its own: `python -I -m services.training.evaluator.scoring`.

A graph is somebody's program for a C++ engine: the process that runs it has no environment, a small address
space, a few minutes of CPU and no right to write a file. Standard input is one JSON line
`{"graph": bytes, "rows": n, "width": k}`, the graph, and the rows as float32; standard output is one float32
per row. Anything else it says is a refusal.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Final

MEMORY: Final = 8 << 30
CPU_SECONDS: Final = 300
BATCH: Final = 8192


def main() -> int:
    """Limit this process, read graph and rows, write the scores; 1 with the reason when there are none."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    told = json.loads(sys.stdin.buffer.readline())
    graph = sys.stdin.buffer.read(told["graph"])
    rows = sys.stdin.buffer.read()
    try:
        sys.stdout.buffer.write(scores(graph, rows, told["rows"], told["width"]))
    except Exception as error:  # noqa: BLE001 - the process's edge: the engine's errors have no common class
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return 1
    return 0


def scores(graph: bytes, rows: bytes, count: int, width: int) -> bytes:
    """Return the probabilities a graph gives to these rows, as float32."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    x = np.frombuffer(rows, dtype="<f4").reshape(count, width)
    found = [
        session.run([given.name], {taken.name: x[begin : begin + BATCH]})[0].reshape(-1)
        for begin in range(0, count, BATCH)
    ]
    return np.concatenate(found).astype("<f4").tobytes()


if __name__ == "__main__":
    sys.exit(main())
