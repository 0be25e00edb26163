"""Following the desired state: the newest rollout is verified, loaded, swapped in; what answers, re-checked.

A fact that could change a verdict (revocation, withdrawal, role, policy, ...) re-checks the running chain;
others, such as the journal's own, cost nothing. A load that is refused is reported and not tried again until
a fact could change the verdict; one that could not be judged (something is down, or the registry does not know of
the rollout yet) is tried again by itself, at growing intervals, while it is the newest.
"""

from __future__ import annotations

import gc
import logging
import threading
from typing import Final

from assay.contracts import FactKind
from assay.custody import Facts
from assay.errors import ServiceError, Unavailable
from assay.ledger import Record
from services.predictor.endpoint import Answering, Endpoint
from services.predictor.errors import NotServing
from services.predictor.ports import Custody, Loader

NEVER_MATTERS: Final = frozenset({FactKind.JOURNAL, FactKind.BATCH, FactKind.FEATURE_SET, FactKind.RUN})
SHORTEST: Final = 0.05  # seconds: whatever clocks say, it is not judged without a pause
LONGEST: Final = 10.0  # seconds: clocks may be set meanwhile, and what was down may be back
_MOST_DOUBLINGS: Final = 16
_log = logging.getLogger(__name__)


class Rollouts:
    """The thread that decides what the endpoint answers with. A projection: the follower wakes it."""

    def __init__(
        self, facts: Facts, custody: Custody, load: Loader, endpoint: Endpoint, *, retry_seconds: float = 1.0
    ) -> None:
        self._facts = facts
        self._custody = custody
        self._load = load
        self._endpoint = endpoint
        self._retry = retry_seconds
        self._next = 0
        self._changed = threading.Event()
        self._stop = False
        self._fetches = 0  # that failed one after another, and no fact between them
        self._judged: str | None = None  # the rollout that was taken or refused last
        self._thread = threading.Thread(target=self._run, name="rollouts", daemon=True)

    def applied(self) -> int:
        """Return the next index wanted (see `assay.ledger.Projection`)."""
        return self._next

    def apply(self, record: Record) -> None:
        """Take notice of a fact that could change a verdict."""
        self._next = record.index + 1
        if record.kind not in NEVER_MATTERS:
            self._endpoint.arrived()
            self._changed.set()

    def start(self) -> None:
        """Start following in the background."""
        self._changed.set()
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> bool:
        """Bring the endpoint in line with the ledger; False when something is down: to be tried again."""
        judged = self._endpoint.judging()
        try:
            self._recheck()
            judged()
            return self._follow()
        except Unavailable as error:
            self._endpoint.wait(error)
            _log.warning("cannot judge yet: %s", error.detail)
            return False
        except ServiceError as refusal:  # the log itself is not to be believed
            self._stop_answering(refusal)
            return False

    def _run(self) -> None:
        settled = True
        while True:
            if self._changed.wait(self.pause(settled=settled)):
                self._fetches = 0
            self._changed.clear()
            if self._stop:
                return
            settled = self._try()

    def pause(self, *, settled: bool) -> float | None:
        """Return for how many seconds nothing is judged if no fact arrives; None: until one does.

        What was `settled` is judged again when what answers ends by a condition; the rest is tried again, a package
        that was not handed out after twice as long each time. Where it is a number it is LONGEST at most.
        """
        left = self._endpoint.left_seconds
        if settled and left is None:
            return None
        pauses = [LONGEST]
        if left is not None:
            pauses.append(max(SHORTEST, left))
        if not settled:
            pauses.append(self._retry * 2 ** min(max(self._fetches - 1, 0), _MOST_DOUBLINGS))
        return min(pauses)

    def _try(self) -> bool:
        try:
            return self.step()
        except Exception:  # noqa: BLE001 - the thread's edge: what cannot be judged does not answer
            _log.exception("judging failed unexpectedly")
            self._stop_answering(NotServing("the chain could not be judged", fix="read the predictor's log"))
            return False

    def _recheck(self) -> None:
        answering = self._endpoint.answering
        if answering is None:
            self._judged = None  # what was refused may be allowed now
            return
        try:
            self._endpoint.stands(self._custody.recheck(answering.package))
        except Unavailable:
            raise
        except ServiceError as refusal:
            self._stop_answering(refusal)

    def _stop_answering(self, refusal: ServiceError) -> None:
        _log.warning("stops answering: %s: %s", type(refusal).__name__, refusal.detail)
        self._endpoint.stop(refusal)

    def _follow(self) -> bool:
        head = self._facts.head(self._endpoint.about)
        if head is None:
            self._endpoint.wait(NotServing("no version has been rolled out here"))
        elif head.digest != self._judged:
            self._take(head)
            self._judged = head.digest
        return True

    def _take(self, rollout: Record) -> None:
        try:
            package = self._custody.verified(rollout)
            self._fetches = 0
            model = self._load(package)
        except Unavailable:
            self._fetches += 1
            raise
        except ServiceError as refusal:
            name = type(refusal).__name__
            _log.warning("rollout %s refused: %s: %s", rollout.digest[:12], name, refusal.detail)
            self._endpoint.fail(rollout.digest, refusal)
            return
        self._endpoint.answer(Answering(model, package, rollout.digest))
        gc.collect()
        gc.freeze()  # what was loaded stays: the collector need not look at it on every answer
