"""What a run may say of itself: its metrics are claims, and some cannot be true."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from services.training.errors import BadParameters, ClaimContradicted, ImpossibleMetric

MAX_METRICS: Final = 64
TOLERANCE: Final = 0.05  # a validation split of a few thousand rows is off by 0.02 at most
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
_SHARES: Final = frozenset({"auc", "accuracy", "f1", "precision", "recall", "brier", "ece", "sensitivity"})
_SEEN: Final = ("train_", "training_")  # of rows the run was fitted on: no claim about new rows
_KEPT: Final = ("validation_", "val_", "valid_", "eval_", "")
_HELD_OUT: Final = ("test_", "heldout_", "held_out_", "holdout_")
_BETTER_HIGH: Final = frozenset({"auc", "accuracy", "f1"})


def believable(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics as floats when they may be true.

    Raises:
        BadParameters: too many, or a name that is none.
        ImpossibleMetric: not finite, a share outside 0 to 1, or about rows the run was not given.
    """
    if len(metrics) > MAX_METRICS:
        raise BadParameters(f"{len(metrics)} metrics; {MAX_METRICS} are the most at once")
    for name, value in metrics.items():
        _believe(name, float(value))
    return {name: float(value) for name, value in metrics.items()}


def _believe(name: str, value: float) -> None:
    if not _NAME.fullmatch(name):
        raise BadParameters(f"{name[:80]!r} is no name of a metric")
    if not math.isfinite(value):
        raise ImpossibleMetric(f"{name} is {value}")
    if name.lower().startswith(_HELD_OUT):
        raise ImpossibleMetric(f"{name} speaks of held-out rows, which no run is given")
    if measure(name) in _SHARES and not 0 <= value <= 1:
        raise ImpossibleMetric(f"{name} is {value:g}, and it is a share between 0 and 1")


def measure(name: str) -> str:
    """Return what a metric measures, whatever rows it is of: `validation_auc` measures `auc`."""
    lowered = name.lower()
    prefix = next(p for p in (*_SEEN, *_KEPT) if lowered.startswith(p))
    return lowered.removeprefix(prefix)


def check_against(claimed: Mapping[str, float], measured: Mapping[str, float]) -> None:
    """Return when the run claimed no more than was measured on rows it was not given, within 0.05.

    Metrics of rows the run was fitted on (`train_…`) are no claim about new rows.

    Raises:
        ClaimContradicted: it claimed more.
    """
    for name, claim in sorted(claimed.items()):
        found = measured.get(measure(name))
        if name.lower().startswith(_SEEN) or found is None or measure(name) not in _BETTER_HIGH:
            continue
        if claim > found + TOLERANCE:
            raise ClaimContradicted(
                f"the run claims {name} {claim:.4f}; measured on held-out rows: {found:.4f}",
                claimed={name: claim},
                measured={measure(name): found},
            )
