"""How good a package is on rows its run was not given: quality, calibration, and the same for groups of people.

Everything is exact arithmetic over scores; nothing is sampled. AUC counts ties half, as scikit-learn's does. What is
stated of the rows themselves is deciles without their ends, of thirty rows or more: no row shows in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BINS: Final = 10
CORNERS: Final = 51  # points of a ROC curve that are stated
DECILES: Final = tuple(tenth / 10 for tenth in range(1, 10))
FEWEST: Final = 30  # rows; a smaller group's measures say nothing and point at people
CODED: Final = ("sex",)
BANDED: Final[Mapping[str, tuple[int, ...]]] = {"age": (0, 30, 40, 50, 60, 200)}
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scored:
    """Rows with their labels (0 or 1), the probability given to each, the columns to slice by, and the features."""

    y: Array
    p: Array
    threshold: float
    slicing: Mapping[str, Array]
    features: Mapping[str, Array] = field(default_factory=dict)

    def part(self, chosen: Array) -> Scored:
        """Return some of the rows."""
        return Scored(self.y[chosen], self.p[chosen], self.threshold, {})


@dataclass(frozen=True)
class Measures:
    """What was measured; the shapes of an evaluation fact's body."""

    metrics: dict[str, float]
    slices: dict[str, dict[str, dict[str, float]]]
    calibration: list[tuple[float, float, float]]
    roc: list[tuple[float, float]]
    deciles: dict[str, tuple[float, ...]]


def measure(scored: Scored) -> Measures:
    """Measure scored rows of both classes."""
    calibration = bins(scored.y, scored.p)
    metrics = {**quality(scored), "ece": ece(calibration), "threshold": scored.threshold}
    curve = roc(scored.y, scored.p)
    return Measures(metrics, _slices(scored), calibration, curve, deciles(scored.features))


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


def roc(y: Array, p: Array) -> list[tuple[float, float]]:
    """Return (false-positive rate, recall) from the highest threshold down, (0, 0) to (1, 1); [] for one class."""
    positive, negative = float((y == 1).sum()), float((y == 0).sum())
    if not positive or not negative:
        return []
    order = np.argsort(-p, kind="stable")
    last = np.append(
        np.flatnonzero(np.diff(p[order])), len(p) - 1
    )  # of the rows with one score: they fall together
    recall = np.cumsum(y[order] == 1)[last] / positive
    fallout = np.cumsum(y[order] == 0)[last] / negative
    chosen = np.unique(np.linspace(0, len(last) - 1, CORNERS - 1).round().astype(int))
    points = [(round(float(fallout[n]), 6), round(float(recall[n]), 6)) for n in chosen]
    return [(0.0, 0.0), *points]


def deciles(features: Mapping[str, Array]) -> dict[str, tuple[float, ...]]:
    """Return each feature's nine inner deciles; a feature with fewer than thirty values is left out."""
    held = {name: column[np.isfinite(column)] for name, column in features.items()}
    return {
        name: tuple(float(f"{value:.6g}") for value in np.quantile(column.astype("float64"), DECILES))
        for name, column in held.items()
        if len(column) >= FEWEST
    }


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
