"""How good a package is on rows its run was not given: quality, calibration, and the same for groups of people.

Everything is exact arithmetic over scores; nothing is sampled. AUC counts ties half, as scikit-learn's does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BINS: Final = 10
FEWEST: Final = 30  # rows; a smaller group's measures say nothing and point at people
CODED: Final = ("sex",)
BANDED: Final[Mapping[str, tuple[int, ...]]] = {"age": (0, 30, 40, 50, 60, 200)}
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """Rows with their labels (0 or 1), the probability given to each, and the columns to slice by."""

    y: Array
    p: Array
    threshold: float
    slicing: Mapping[str, Array]

    def part(self, chosen: Array) -> Scored:
        """Return some of the rows."""
        return Scored(self.y[chosen], self.p[chosen], self.threshold, {})


@dataclass(frozen=True)
class Measures:
    """What was measured; the shapes of an evaluation fact's body."""

    metrics: dict[str, float]
    slices: dict[str, dict[str, dict[str, float]]]
    calibration: list[tuple[float, float, float]]


def measure(scored: Scored) -> Measures:
    """Measure scored rows of both classes."""
    calibration = bins(scored.y, scored.p)
    metrics = {**quality(scored), "ece": ece(calibration), "threshold": scored.threshold}
    return Measures(metrics, _slices(scored), calibration)


def quality(scored: Scored) -> dict[str, float]:
    """Return what one group's scores are worth; AUC only where both classes are there."""
    y, p = scored.y, scored.p
    said = p >= scored.threshold
    right, found = float((said & (y == 1)).sum()), float(said.sum())
    positive, negative = float((y == 1).sum()), float((y == 0).sum())
    measured = {
        "n": float(len(y)),
        "base_rate": positive / len(y),
        "selected": found / len(y),
        "accuracy": float((said == (y == 1)).mean()),
        "f1": 2 * right / (found + positive) if found + positive else 0.0,
        "brier": float(((p - y) ** 2).mean()),
    }
    if found:
        measured["precision"] = right / found
    if positive:
        measured["recall"] = right / positive
    if negative:
        measured["false_positive_rate"] = (found - right) / negative
    if positive and negative:
        measured["auc"] = auc(y, p)
    return measured


def auc(y: Array, p: Array) -> float:
    """Return the share of (positive, negative) pairs that are in the right order; ties count half."""
    _, rank, count = np.unique(p, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - (count - 1) / 2)[rank]
    positive = float((y == 1).sum())
    negative = len(y) - positive
    return float((middle[y == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def bins(y: Array, p: Array) -> list[tuple[float, float, float]]:
    """Return ten groups of equal size, from the lowest scores up: (mean score, share of positives, rows)."""
    order = np.argsort(p, kind="stable")
    groups = [group for group in np.array_split(order, BINS) if len(group)]
    return [(float(p[g].mean()), float(y[g].mean()), float(len(g))) for g in groups]


def ece(calibration: Sequence[tuple[float, float, float]]) -> float:
    """Return the expected calibration error: how far the bins' scores are from what happened, by size."""
    rows = sum(n for _, _, n in calibration)
    return sum(n * abs(said - happened) for said, happened, n in calibration) / rows


def _slices(scored: Scored) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for attribute in CODED:
        if attribute in scored.slicing:
            found[attribute] = _groups(scored, _codes(scored.slicing[attribute]))
    for attribute, edges in BANDED.items():
        if attribute in scored.slicing:
            found[attribute] = _groups(scored, _bands(scored.slicing[attribute], edges))
    return found


def _groups(scored: Scored, groups: Mapping[str, Array]) -> dict[str, dict[str, float]]:
    return {
        name: quality(scored.part(chosen)) for name, chosen in groups.items() if int(chosen.sum()) >= FEWEST
    }


def _codes(column: Array) -> dict[str, Array]:
    return {f"{value:g}": column == value for value in np.unique(column[~np.isnan(column)])}


def _bands(column: Array, edges: Sequence[int]) -> dict[str, Array]:
    return {_band(low, high, edges): (column >= low) & (column < high) for low, high in pairwise(edges)}


def _band(low: int, high: int, edges: Sequence[int]) -> str:
    if low == edges[0]:
        return f"under {high}"
    return f"{low} and over" if high == edges[-1] else f"{low} to {high - 1}"
