"""The root in force, for whoever lives longer than a root: every look is at the newest that was followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from assay.ledger.root import Root


class _InForce:
    """Stands where a `Root` stands, and asks for the newest at every look."""

    def __init__(self, newest: Callable[[], Root]) -> None:
        self._newest = newest

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the root's member is
        return getattr(self._newest(), name)


def root_in_force(newest: Callable[[], Root]) -> Root:
    """Return what reads as a `Root` and is always the one that `newest` returns then; `newest` may refuse."""
    return cast("Root", _InForce(newest))


def counting(newest: Callable[[], Root]) -> Callable[[str], bool]:
    """Return what says of a public key (PEM) whether it counts for anything that comes next, by the newest root."""
    return lambda public_key_pem: newest().counts_now(public_key_pem)
