"""A receipt's bundle: one file from which anybody with `root.json` can walk a prediction back to its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.custody.chain import Chain
from assay.custody.facts import Facts
from assay.errors import NotBuilt

if TYPE_CHECKING:
    from assay.ledger import Ledger, Root


@dataclass(frozen=True)
class Node:
    """One line of the tree to print."""

    title: str
    detail: str
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a bundle proves. `size` and `time_ms` are the checkpoint's; later revocations are unknown."""

    receipt: Mapping[str, Any]
    chain: Chain
    size: int
    time_ms: int
    tree: Node

    @property
    def valid_as_of(self) -> str:
        """`valid as of log size n, time t; later revocations unknown`."""
        raise NotBuilt("receipt")


def export(receipt_part: Mapping[str, Any], ledger: Ledger, facts: Facts) -> dict[str, Any]:
    """Return the bundle of a receipt: `receipt_part` is what the predictor's GET /v1/receipts/{id} answers."""
    raise NotBuilt("export")


def verify_bundle(
    bundle: Mapping[str, Any], root: Root, *, now: float, max_age: float | None = None
) -> VerifiedReceipt:
    """Verify a bundle with nothing but the root; `now` in seconds since 1970, `max_age` in seconds."""
    raise NotBuilt("verify_bundle")
