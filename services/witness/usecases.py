"""Following the log for as long as the process lives, and saying loudly what was refused."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from assay.errors import NotFound, SignatureInvalid
from services.witness.witnessing import Witnessing

LONGEST_WAIT: Final = 5.0  # seconds a request for the next checkpoint may stay open
_LONGER: Final = 10
_log = logging.getLogger(__name__)
Tell = Callable[[str, str], None]


class Following:
    """Cosigns in a thread of its own. `tell(refusal, detail)` is called at each change; "" when all is well.

    `pause` in seconds, after a failure; ten times as long after the log contradicted itself.
    """

    def __init__(self, witnessing: Witnessing, tell: Tell, *, pause: float = 0.2) -> None:
        self.witnessing = witnessing
        self._tell = tell
        self._pause = pause
        self._refusal = ("", "")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="witnessing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the step at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def refusal(self) -> str:
        """The name of what is refused now; "" when all is well."""
        return self._refusal[0]

    def last(self) -> dict[str, Any]:
        """Return what was cosigned last, and what is refused now; raises NotFound before the first."""
        last = self.witnessing.last
        if last is None:
            raise NotFound("nothing was cosigned yet")
        refusal, detail = self._refusal
        return {"checkpoint": last.note, "size": last.size, "refusal": refusal, "detail": detail}

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self.witnessing.step(LONGEST_WAIT)
                self._say("", "")
            except Exception as error:  # noqa: BLE001 - the thread's edge: nothing is cosigned while this lasts
                self._say(type(error).__name__, str(error))
                self._stop.wait(self._pause * (_LONGER if isinstance(error, SignatureInvalid) else 1))

    def _say(self, refusal: str, detail: str) -> None:
        if (refusal, detail) == self._refusal:
            return
        if refusal:
            _log.error("not cosigned: %s: %s", refusal, detail)
        self._refusal = (refusal, detail)
        self._tell(refusal, detail)
