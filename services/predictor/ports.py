"""What a predictor needs of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from assay.custody import Judgement, VerifiedPackage
from assay.ledger import Record
from services.predictor.tensors import Array, Port


class Custody(Protocol):
    """Who turns a rollout into bytes that may be loaded, and says later whether they still may."""

    def verified(self, rollout: Record) -> VerifiedPackage:
        """Fetch and verify what a rollout names; raises why it may not be loaded, or Unavailable."""

    def recheck(self, package: VerifiedPackage) -> Judgement:
        """Return the judgement when the package's chain and gate still stand; raises why they do not."""


class Model(Protocol):
    """A loaded model."""

    @property
    def inputs(self) -> Sequence[Port]:
        """What it takes."""

    @property
    def outputs(self) -> Sequence[Port]:
        """What it gives."""

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        """Return the outputs, in order."""


class Loader(Protocol):
    """Whoever makes a model of verified bytes."""

    def __call__(self, package: VerifiedPackage) -> Model:
        """Load the very bytes that were verified; raises ModelUnusable."""
