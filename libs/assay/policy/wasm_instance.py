"""One instance of an OPA policy, by OPA's Wasm ABI 1.x (https://www.openpolicyagent.org/docs/wasm).

Not for two threads at once. Each evaluation starts with the heap as it was after loading, so it never grows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ctypes import byref
from typing import Any, Final, NoReturn

import wasmtime
from wasmtime import _ffi
from wasmtime._func import enter_wasm

from assay.errors import Unavailable
from assay.policy.decisions import Undefined

_PAGE: Final = 65536
_PAGES: Final = 5  # what OPA's module asks for at least
_CHUNK: Final = 1024  # bytes read at once
_MOST: Final = 1024  # 64 MiB: a question that needs more is refused
_ABI: Final = 1
_JSON: Final = 0  # format of opa_eval's answer


class Instance:
    """A policy in its own memory."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self._store = wasmtime.Store(engine)
        self._memory = wasmtime.Memory(self._store, wasmtime.MemoryType(wasmtime.Limits(_PAGES, _MOST)))
        instance = wasmtime.Instance(
            self._store, module, [self._import(name.name) for name in module.imports]
        )
        self._exports = instance.exports(self._store)
        if self._constant("opa_wasm_abi_version") != _ABI:
            raise Unavailable("the policy is of another Wasm ABI than OPA's 1.x")
        if builtins := self._value(self._call("builtins")):
            raise Unavailable(f"the policy needs builtins of its host: {', '.join(sorted(builtins))}")
        self._entrypoints: dict[str, int] = self._value(self._call("entrypoints"))
        self._data = self._stored(b"{}")
        self._heap = self._call("opa_heap_ptr_get")
        self._eval = Prepared(self._store, self._exports["opa_eval"], arguments=7)

    def evaluate(self, path: str, question: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the rule at `path` says.

        Raises:
            Undefined: there is no such rule, or it says nothing of this.
            Unavailable: the evaluation failed; the instance must not be used again.
        """
        if (entrypoint := self._entrypoints.get(path)) is None:
            raise Undefined(f"the policy has no rule {path}")
        try:
            document = json.dumps(dict(question), separators=(",", ":"), allow_nan=False).encode()
            self._make_room(self._heap + len(document))
            self._memory.write(self._store, document, self._heap)
            end = self._heap + len(document)
            address = self._eval(0, entrypoint, self._data, self._heap, len(document), end, _JSON)
            results = json.loads(self._text(address))
        except (wasmtime.WasmtimeError, wasmtime.Trap, ValueError) as error:
            raise Unavailable(f"the policy failed on {path}: {str(error)[:300]}") from error
        if not results:
            raise Undefined(f"the policy says nothing on {path}")
        return results[0]["result"]

    # ---- what the module imports

    def _import(self, name: str) -> wasmtime.Memory | wasmtime.Func:
        i32 = wasmtime.ValType.i32()
        if name == "memory":
            return self._memory
        if name == "opa_abort":
            return wasmtime.Func(self._store, wasmtime.FuncType([i32], []), self._abort)
        if name.startswith("opa_builtin"):
            arguments = [i32] * (2 + int(name.removeprefix("opa_builtin")))
            return wasmtime.Func(self._store, wasmtime.FuncType(arguments, [i32]), _no_builtin)
        raise Unavailable(f"the policy imports {name}, which its host does not have")

    def _abort(self, address: int) -> NoReturn:
        raise wasmtime.WasmtimeError(self._text(address).decode(errors="replace"))

    # ---- values across the border

    def _call(self, name: str, *arguments: int) -> int:
        function: Callable[..., int] = self._exports[name]
        return function(self._store, *arguments)

    def _constant(self, name: str) -> int:
        return int(self._exports[name].value(self._store))

    def _value(self, address: int) -> dict[str, int]:
        found = json.loads(self._text(self._call("opa_json_dump", address)))
        return dict(found)

    def _stored(self, document: bytes) -> int:
        address = self._call("opa_malloc", len(document))
        self._memory.write(self._store, document, address)
        return self._call("opa_json_parse", address, len(document))

    def _text(self, address: int) -> bytes:
        """Return the bytes from `address` to the next zero."""
        found = bytearray()
        while (end := found.find(0)) < 0:
            start = address + len(found)
            chunk = self._memory.read(self._store, start, start + _CHUNK)
            if not chunk:
                raise wasmtime.WasmtimeError("a text of the policy has no end")
            found += chunk
        return bytes(found[:end])

    def _make_room(self, size: int) -> None:
        lacking = size - self._memory.data_len(self._store)
        if lacking > 0:
            self._memory.grow(self._store, -(-lacking // _PAGE))


class Prepared:
    """A function of 32-bit numbers, called again and again: wasmtime's own call asks for the types each time.

    Its buffers belong to one instance, so to one thread at a time.
    """

    def __init__(self, store: wasmtime.Store, function: wasmtime.Func, *, arguments: int) -> None:
        self._store = store
        self._function = function
        self._given = (_ffi.wasmtime_val_t * arguments)()
        for one in self._given:
            one.kind = _ffi.WASMTIME_I32
        self._result = (_ffi.wasmtime_val_t * 1)()

    def __call__(self, *arguments: int) -> int:
        """Return the function's one result; raises WasmtimeError or Trap."""
        given = self._given
        for at, value in enumerate(arguments):
            given[at].of.i32 = value
        with enter_wasm(self._store) as trap:
            error = _ffi.wasmtime_func_call(
                self._store._context(),  # noqa: SLF001 - as wasmtime.Func.__call__ does
                byref(self._function._func),  # noqa: SLF001 - likewise
                given,
                len(given),
                self._result,
                1,
                trap,
            )
            if error:
                raise wasmtime.WasmtimeError._from_ptr(error)  # noqa: SLF001 - likewise
        return int(self._result[0].of.i32)


def _no_builtin(*_: int) -> NoReturn:
    raise wasmtime.WasmtimeError("the policy called a builtin of its host, which has none")
