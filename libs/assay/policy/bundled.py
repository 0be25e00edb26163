"""Policy in process, at the revision that is in force: verified bundles, taken up while the process runs.

A thread follows the newest policy fact, takes the bundle it names off the shelf, verifies and compiles it, and swaps
it in. Until then the one before answers, for a lease; what is not verified or not named never answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from assay.errors import ServiceError, Unavailable
from assay.policy.decisions import Answer, PolicyEngine
from assay.policy.force import InForce
from assay.policy.shelf import Shelf
from assay.policy.wasm import OpaWasm

LOOK_EVERY_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


class PolicyNotLoaded(Unavailable):
    """This process has no verified policy to decide by."""

    fix = "see its log: it loads the bundle that the newest policy fact names as soon as it verifies"


class OpaBundle(PolicyEngine):
    """The rules of the bundle in force. `start` loads it and keeps following; `step` is one look."""

    def __init__(
        self,
        shelf: Shelf,
        force: InForce,
        *,
        clock: Callable[[], int] = time.time_ns,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        super().__init__(force=force, clock=clock)
        self._shelf = shelf
        self._following = force
        self._pause = look_every_seconds
        self._loaded: tuple[str, OpaWasm] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="policy", daemon=True)

    def start(self) -> None:
        """Load what is in force, if it can be, and keep following in a thread."""
        self._look("")
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def revision(self) -> str:
        """The revision this process evaluates; "" before any."""
        return "" if self._loaded is None else self._loaded[1].revision

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        if self._loaded is None:
            raise PolicyNotLoaded("this process has no verified policy yet")
        return self._loaded[1].ask(path, question)

    def step(self) -> bool:
        """Take up the bundle in force; False when it is the one that is loaded.

        Raises:
            NoPolicyInForce, PolicyBundleMissing, PolicySignatureInvalid, PolicyBundleRefused: it cannot be.
        """
        named = self._following.observe()
        if self._loaded is not None and self._loaded[0] == named.bundle:
            return False
        bundle = self._shelf.get(named.bundle, at=named.index)
        if bundle.revision != named.revision:
            raise PolicyNotLoaded(
                f"bundle {named.bundle[:12]} is revision {bundle.revision[:12]}, not {named.revision[:12]}"
            )
        self._loaded = named.bundle, OpaWasm(bundle.wasm)
        return True

    def _look(self, failing: str) -> str:
        try:
            if self.step():
                _log.warning("policy %s is loaded", self.revision[:12])
        except ServiceError as refusal:
            if failing != refusal.detail:
                _log.warning("policy not taken up: %s: %s", type(refusal).__name__, refusal.detail)
            return refusal.detail
        return ""

    def _follow(self) -> None:
        failing = ""
        while not self._stop.wait(self._pause):
            try:
                failing = self._look(failing)
            except Exception:  # noqa: BLE001 - the thread's edge: what was loaded ends with its lease
                _log.exception("policy not taken up")
