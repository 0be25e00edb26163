"""What the evaluator needs of the world, in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from assay.custody import PackageFiles
from services.training.evaluator.measures import Array


class Packages(Protocol):
    """Where packages are: training."""

    def package(self, run: str, checkpoint: str) -> PackageFiles:
        """Return a package's files, whatever they are; the caller checks their digest."""


@dataclass(frozen=True)
class HeldOutRows:
    """The held-out rows of a feature set, decrypted, and the digest of the ciphertext they came from."""

    table: pa.Table
    ciphertext: str


class HeldOut(Protocol):
    """Where held-out rows are: features."""

    def rows(self, run: str, feature_set: str) -> HeldOutRows:
        """Return the held-out rows of a feature set, to measure a run with."""


class Scorer(Protocol):
    """Who runs a graph, somewhere it can do no harm."""

    def scores(self, graph: bytes, x: Array) -> Array:
        """Return a probability per row; raises NotScorable."""
