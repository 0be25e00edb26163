"""What answers now: one verified model, or a reason why none does. Swapped in one assignment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from assay.custody import Judgement, VerifiedPackage
from assay.errors import ServiceError
from services.predictor.errors import NotJudged, NotServing, RunEnded, UnknownModel
from services.predictor.ports import Model

SECOND: Final = 1_000_000_000  # nanoseconds
STARTING: Final = "starting"
ANSWERING: Final = "answering"
STOPPED: Final = "stopped"
LATEST: Final = 253_402_300_799  # seconds: no calendar of ours goes on after the year 9999


@dataclass(frozen=True)
class Answering:
    """A verified model and the rollout fact it answers for."""

    model: Model
    package: VerifiedPackage
    rollout: str

    @property
    def name(self) -> str:
        """The model's name in the registry."""
        return self.package.version.model

    @property
    def number(self) -> int:
        """The version's number."""
        return self.package.version.number


@dataclass(frozen=True)
class Failure:
    """A rollout that could not be taken, and why."""

    rollout: str
    refusal: ServiceError


@dataclass(frozen=True)
class Ends:
    """A moment by two clocks, the one that says it has come counts: nanoseconds since 1970, monotonic seconds."""

    wall_ns: int
    monotonic: float


class Endpoint:
    """One endpoint of one environment. Written by the rollouts' thread, read by every request.

    A fresh lease says that the newest facts are known; that what answers was judged by them is said here. A fact
    that waits longer than `lease_seconds` to be judged stops the answers, whatever holds its judge up.
    """

    def __init__(
        self,
        environment: str,
        name: str,
        *,
        lease_seconds: float = 60,
        monotonic: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.environment = environment
        self.name = name
        self._lease = lease_seconds
        self._monotonic = monotonic
        self._clock_ns = clock_ns
        self._waiting = threading.Lock()
        self._arrived = 0  # facts that could change the verdict
        self._oldest: float | None = None  # when the oldest of them that was not judged arrived
        self._answering: Answering | None = None
        self._silent: ServiceError = NotServing("the predictor is starting")
        self._state = STARTING
        self._failure: Failure | None = None
        self._ends: Ends | None = None  # when what answers ends, by its approvals or its tier

    @property
    def about(self) -> str:
        """The head that says what should answer here."""
        return f"endpoint/{self.environment}/{self.name}"

    @property
    def answering(self) -> Answering | None:
        """What answers now."""
        return self._answering

    @property
    def failure(self) -> Failure | None:
        """The newest rollout that could not be taken, until one is."""
        return self._failure

    def now(self, model: str | None = None, version: str | None = None) -> Answering:
        """Return what answers now; raises why nothing does, or UnknownModel when it is another model."""
        answering, oldest = self._answering, self._oldest
        if answering is None:
            raise self._silent
        if self.ended:
            raise RunEnded(f"{answering.name} v{answering.number} was to run until now")
        if oldest is not None and self._monotonic() - oldest > self._lease:
            raise NotJudged(f"a newer fact waits for its judgement since more than {self._lease:g} s")
        if (model or answering.name, version or str(answering.number)) != (
            answering.name,
            str(answering.number),
        ):
            raise UnknownModel(
                f"{self.name} serves {answering.name} v{answering.number}, not what was asked for"
            )
        return answering

    def arrived(self) -> None:
        """Take notice of a fact that could change the verdict on what answers."""
        with self._waiting:
            self._arrived += 1
            self._oldest = self._monotonic() if self._oldest is None else self._oldest

    def judging(self) -> Callable[[], None]:
        """Say that judging begins; call what is returned once all that had arrived by now was judged."""
        with self._waiting:
            arrived, begun = self._arrived, self._monotonic()

        def judged() -> None:
            with self._waiting:
                self._oldest = None if self._arrived == arrived else begun

        return judged

    @property
    def ended(self) -> bool:
        """Whether what answers has ended, by the conditions of its approvals or the longest time of its tier."""
        ends = self._ends
        return ends is not None and (self._clock_ns() >= ends.wall_ns or self._monotonic() >= ends.monotonic)

    @property
    def left_seconds(self) -> float | None:
        """How long what answers may go on, by its approvals and its tier; None: that does not end."""
        ends = self._ends
        if ends is None:
            return None
        return max(0.0, min((ends.wall_ns - self._clock_ns()) / SECOND, ends.monotonic - self._monotonic()))

    def stands(self, judgement: Judgement) -> None:
        """Take notice of how long a judgement lets what answers go on; a machine set back is not fooled."""
        ends_ns, left = judgement.ends_ns, 0.0
        if ends_ns is not None:
            left = (ends_ns - judgement.use.now_ns) / SECOND
        self._ends = None if ends_ns is None else Ends(ends_ns, self._monotonic() + left)

    def answer(self, answering: Answering) -> None:
        """Answer with this model from the next request on."""
        self.stands(answering.package.judgement)
        self._answering, self._failure, self._state = answering, None, ANSWERING

    def fail(self, rollout: str, refusal: ServiceError) -> None:
        """Report a rollout that could not be taken; what answered before goes on."""
        self._failure = Failure(rollout, refusal)
        if self._answering is None:
            self.stop(refusal)

    def wait(self, refusal: ServiceError) -> None:
        """Say what the first answer waits for."""
        if self._answering is None and self._state == STARTING:
            self._silent = refusal

    def stop(self, refusal: ServiceError) -> None:
        """Stop answering, by name."""
        self._answering, self._silent, self._state = None, refusal, STOPPED
        self._ends = None

    def state(self) -> dict[str, Any]:
        """Return what serving and people see of this endpoint."""
        answering, failure = self._answering, self._failure
        return {
            "endpoint": self.name,
            "environment": self.environment,
            "state": self._state,
            "reason": None if answering else self._silent.problem(),
            "rollout": answering.rollout if answering else None,
            "model": answering.name if answering else None,
            "number": answering.number if answering else None,
            "package": answering.package.digest if answering else None,
            "until": _moment(self._ends),
            "failure": {"rollout": failure.rollout, "problem": failure.refusal.problem()}
            if failure
            else None,
        }


def _moment(ends: Ends | None) -> str | None:
    """Return when something ends, in words and to the second; None: it does not."""
    if ends is None:
        return None
    return datetime.fromtimestamp(min(ends.wall_ns // SECOND, LATEST), UTC).isoformat(timespec="seconds")
