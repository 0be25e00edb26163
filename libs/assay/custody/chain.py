"""The chain of a version or rollout: every fact it stands on, walked and compared, nothing taken on trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts import Version
from assay.custody.facts import Facts
from assay.errors import NotBuilt

if TYPE_CHECKING:
    from assay.ledger import Record


@dataclass(frozen=True)
class Chain:
    """Every fact reachable from a version (and its rollout or alias), in the order they were said."""

    version: Record
    previous: Record | None  # the version numbered one less
    run: Record
    feature_sets: tuple[Record, ...]
    batches: tuple[Record, ...]
    evaluations: tuple[Record, ...]
    approvals: tuple[Record, ...] = ()
    rollout: Record | None = None

    @property
    def body(self) -> Version:
        """The version's body."""
        raise NotBuilt("chain")

    @property
    def contributors(self) -> frozenset[str]:
        """Everybody who had a hand in it: of the run, the features and the data, whoever the pipeline ran as."""
        raise NotBuilt("chain")

    def records(self) -> tuple[Record, ...]:
        """Every record once, oldest first."""
        raise NotBuilt("chain")


def chain(facts: Facts, digest: str) -> Chain:
    """Walk from a rollout, alias or version fact; raises ChainBroken where neighbours do not fit."""
    raise NotBuilt("chain")
