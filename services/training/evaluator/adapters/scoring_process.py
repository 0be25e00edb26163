"""Graphs run in a child process that has nothing to lose (`services.training.evaluator.scoring`)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.training.errors import NotScorable
from services.training.evaluator.measures import Array

MODULE: Final = "services.training.evaluator.scoring"


@dataclass(frozen=True)
class ScoringProcess:
    """A `Scorer`; `seconds` is how long a graph may take for all rows."""

    seconds: float

    def scores(self, graph: bytes, x: Array) -> Array:
        """See `ports.Scorer.scores`."""
        told = {"graph": len(graph), "rows": x.shape[0], "width": x.shape[1]}
        given = json.dumps(told).encode() + b"\n" + graph + np.ascontiguousarray(x, dtype="<f4").tobytes()
        command = [sys.executable, "-I", "-m", MODULE]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, timeout=self.seconds, check=False, env={}
            )
        except subprocess.TimeoutExpired as error:
            raise NotScorable(f"the graph did not answer within {self.seconds:g} s") from error
        if done.returncode != 0 or len(done.stdout) != 4 * x.shape[0]:
            said = done.stderr.decode(errors="replace").strip()[-300:]
            raise NotScorable(f"the graph does not run (exit {done.returncode}): {said}")
        return np.frombuffer(done.stdout, dtype="<f4")
