"""Who waits for an append: a thread on a future, or a task of an event loop, told together with its neighbours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple

from assay.contracts import SignedFact
from assay.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a fact stands. `repeated`: it stood there before, maybe in another envelope."""

    index: int
    digest: str
    repeated: bool


class Prepared(NamedTuple):
    """An envelope whose signature counts, its bytes and their leaf hash: what is left to decide is its place."""

    signed: SignedFact
    entry: bytes
    leaf: bytes


class Waiting(NamedTuple):
    """A prepared envelope and who waits for it."""

    prepared: Prepared
    done: Future[Appended] | asyncio.Future[Appended]

    def wanted(self) -> bool:
        """Say whether somebody still waits; from here on it cannot be called off."""
        if isinstance(self.done, Future):
            return self.done.set_running_or_notify_cancel()
        return not self.done.cancelled()


Answer = Appended | ServiceError


def answer(batch: Sequence[Waiting], answers: Iterable[Answer]) -> None:
    """Tell everybody who waits; an event loop is woken once for all of its tasks."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Appended], Answer]]] = {}
    for one, said in zip(batch, answers, strict=True):
        if isinstance(one.done, Future):
            _settle(one.done, said)
        else:
            loops.setdefault(one.done.get_loop(), []).append((one.done, said))
    for loop, told in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle_all, told)


def _settle_all(told: Sequence[tuple[asyncio.Future[Appended], Answer]]) -> None:
    for future, said in told:
        if not future.done():
            _settle(future, said)


def _settle(future: Future[Appended] | asyncio.Future[Appended], said: Answer) -> None:
    if isinstance(said, ServiceError):
        future.set_exception(said)
    else:
        future.set_result(said)
