"""Plots of what was measured, as places: the version's in front, the one it is compared with behind.

Every plot is a square of `SIDE` units within margins that templates add; up is a smaller y. A plot without numbers is
None: nothing is drawn that was not stated in a fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.contracts import Evaluation

SIDE: Final = 200
DRIFTING: Final = 12  # features that are shown, those that shifted most first
SLICED: Final = (("auc", "AUC"), ("selected", "share selected"))
MIDDLE: Final = 4  # place of the median among nine deciles
NOTICED: Final = 0.1  # a shift of a tenth of the range between the outer deciles
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A line through points; `label` says whose it is."""

    label: str
    points: tuple[Point, ...]
    behind: bool = False

    @property
    def path(self) -> str:
        """The line as `points` of a polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Group:
    """One group of a slice: its measure, and before; `share` of SIDE is the length of the bar."""

    name: str
    value: float
    before: float | None
    rows: int

    @property
    def length(self) -> float:
        """How long the bar is."""
        return _inside(self.value) * SIDE

    @property
    def length_before(self) -> float | None:
        """Where the mark of before stands."""
        return None if self.before is None else _inside(self.before) * SIDE


@dataclass(frozen=True)
class Slices:
    """One measure of every group of an attribute."""

    attribute: str
    measure: str
    groups: tuple[Group, ...]

    @property
    def gap(self) -> float:
        """The difference between the best and the worst group."""
        values = [group.value for group in self.groups]
        return max(values) - min(values)


@dataclass(frozen=True)
class Drift:
    """One feature's deciles then and now; places are of SIDE: (10 %, 50 %, 90 %)."""

    feature: str
    shift: float
    before: tuple[float, float, float]
    now: tuple[float, float, float]

    @property
    def noticed(self) -> bool:
        """Whether it shifted so much that somebody should look."""
        return self.shift >= NOTICED


def roc(now: Evaluation | None, before: Evaluation | None, names: tuple[str, str]) -> list[Curve]:
    """Return the curves of both versions, the one compared with first; [] when none was stated."""
    drawn = [(before, names[1], True), (now, names[0], False)]
    return [
        Curve(label, tuple((x * SIDE, (1 - y) * SIDE) for x, y in measured.roc), behind)
        for measured, label, behind in drawn
        if measured is not None and measured.roc
    ]


def calibration(now: Evaluation | None, before: Evaluation | None, names: tuple[str, str]) -> list[Curve]:
    """Return mean score against observed rate, by groups of rows of equal size."""
    drawn = [(before, names[1], True), (now, names[0], False)]
    return [
        Curve(label, tuple((_inside(p) * SIDE, (1 - y) * SIDE) for p, y, _ in measured.calibration), behind)
        for measured, label, behind in drawn
        if measured is not None and measured.calibration
    ]


def slices(now: Evaluation | None, before: Evaluation | None) -> list[Slices]:
    """Return each measure of each attribute's groups, in their own order."""
    if now is None:
        return []
    old = before.slices if before is not None else {}
    found = [
        Slices(attribute, words, tuple(_groups(measure, groups, old.get(attribute, {}))))
        for attribute, groups in now.slices.items()
        for measure, words in SLICED
    ]
    return [each for each in found if each.groups]


def drift(now: Evaluation | None, before: Evaluation | None) -> list[Drift]:
    """Return how the rows measured differ, feature by feature, the largest shift first.

    A shift is how far the decile that moved furthest moved, as a part of the range between the outer deciles before.
    """
    if now is None or before is None:
        return []
    both = [(name, before.deciles[name], now.deciles[name]) for name in now.deciles if name in before.deciles]
    found = [_drift(name, old, new) for name, old, new in both if len(old) == len(new)]
    return sorted(found, key=lambda each: (-each.shift, each.feature))[:DRIFTING]


def _groups(
    measure: str, groups: Mapping[str, Mapping[str, float]], old: Mapping[str, Mapping[str, float]]
) -> Iterable[Group]:
    for name, measured in sorted(
        groups.items(), key=lambda each: (not each[0].startswith("under "), each[0])
    ):
        if measure in measured:
            before = old.get(name, {}).get(measure)
            yield Group(name, measured[measure], before, int(measured.get("n", 0)))


def _drift(name: str, old: tuple[float, ...], new: tuple[float, ...]) -> Drift:
    moved = max(abs(b - a) for a, b in zip(old, new, strict=True))
    spread = old[-1] - old[0]
    shift = moved / spread if spread else float(moved > 0)
    low, high = min(old[0], new[0]), max(old[-1], new[-1])
    return Drift(name, shift, _places(old, low, high), _places(new, low, high))


def _places(deciles: tuple[float, ...], low: float, high: float) -> tuple[float, float, float]:
    wide = high - low or 1.0
    first, middle, last = (
        round((at - low) / wide * SIDE, 1) for at in (deciles[0], deciles[MIDDLE], deciles[-1])
    )
    return first, middle, last


def _inside(value: float) -> float:
    return min(max(value, 0.0), 1.0)
