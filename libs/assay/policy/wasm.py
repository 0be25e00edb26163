"""Policy evaluated in process: OPA-compiled Wasm on wasmtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assay.errors import NotBuilt
from assay.policy.decisions import Answer, PolicyEngine


class OpaWasm(PolicyEngine):
    """The rules of one `policy.wasm`; its `revision` is the SHA-256 of that file's bytes."""

    def __init__(
        self,
        path: Path,
        *,
        expected: Callable[[], str] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(expected=expected, clock=clock)
        self._path = path

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        raise NotBuilt(f"{path} over {self._path}")
