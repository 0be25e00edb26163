"""Policy evaluated in process: OPA-compiled Wasm on wasmtime.

The compiled module is shared, by whoever in the process asks by the same bytes; an instance is not: it is borrowed
for one evaluation and given back. Two threads never meet in one, and one in which an evaluation failed is thrown away.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import wasmtime

from assay.contracts import sha256_hex
from assay.errors import Unavailable
from assay.policy.decisions import Answer, PolicyEngine
from assay.policy.wasm_instance import Instance


class OpaWasm(PolicyEngine):
    """The rules of one `policy.wasm`: a file, or the bytes of a bundle; its `revision` is their SHA-256.

    Raises Unavailable when the file is no policy, or needs a builtin of the host: ours need none.
    """

    def __init__(
        self,
        rules: Path | bytes,
        *,
        expected: Callable[[], str] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(expected=expected, clock=clock)
        code = rules if isinstance(rules, bytes) else rules.read_bytes()
        self.revision = sha256_hex(code)
        try:
            self._engine, self._module = _compiled(code)
            self._idle = deque([Instance(self._engine, self._module)])
        except (wasmtime.WasmtimeError, wasmtime.Trap, LookupError, ValueError) as error:
            raise Unavailable(f"{_name(rules)} is no policy: {error!r}") from error

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        try:
            instance = self._idle.pop()
        except IndexError:
            instance = Instance(self._engine, self._module)
        result = instance.evaluate(path, question)
        self._idle.append(instance)
        return Answer(result, self.revision)


@lru_cache(maxsize=4)  # the policy in force, the one before, and those that are looked at
def _compiled(code: bytes) -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    return engine, wasmtime.Module(engine, code)


def _name(rules: Path | bytes) -> str:
    return "the bundle's policy.wasm" if isinstance(rules, bytes) else rules.name


def revision_of(path: Path) -> str:
    """Return the revision of a `policy.wasm`: the SHA-256 of its bytes, as policy facts name it."""
    return sha256_hex(path.read_bytes())
