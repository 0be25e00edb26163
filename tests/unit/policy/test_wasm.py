"""Policy in process: what it loads, and that one evaluation never meets another."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from assay.errors import Unavailable
from assay.policy import OpaWasm, Undefined, revision_of, subject_document
from assay.policy.decisions import AUTHZ
from assay_laptop.opa.find import folder
from tests.contract.policy.callers import AMIR, DANA

WASM = folder() / "policy.wasm"

# A policy by OPA's interface that asks its host for `http.send`.
GREEDY = """
(module
  (import "env" "memory" (memory 2))
  (global (export "opa_wasm_abi_version") i32 (i32.const {abi}))
  (data (i32.const 16) "{builtins}\\00")
  (func (export "builtins") (result i32) (i32.const 16))
  (func (export "opa_json_dump") (param i32) (result i32) (local.get 0)))
"""


@pytest.fixture(scope="module")
def policy() -> OpaWasm:
    return OpaWasm(WASM)


def question(caller: Any, action: str) -> dict[str, Any]:  # noqa: ANN401 - any subject
    return {"subject": subject_document(caller), "action": action, "resource": {}, "context": {"time_ns": 1}}


def test_the_revision_is_the_digest_of_the_file(policy: OpaWasm) -> None:
    assert policy.revision == revision_of(WASM) == hashlib.sha256(WASM.read_bytes()).hexdigest()


def test_threads_get_the_answers_to_their_own_questions(policy: OpaWasm) -> None:
    asked = [(DANA, "training/start-run"), (AMIR, "training/start-run"), (AMIR, "registry/approve")] * 100

    def allowed(index: int) -> bool:
        caller, action = asked[index]
        return bool(policy.ask(AUTHZ, question(caller, action)).result["allow"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(allowed, range(len(asked)))) == [True, False, True] * 100


def test_a_thousand_questions_leave_memory_as_it_was(policy: OpaWasm) -> None:
    long = question(DANA, "training/start-run") | {"resource": {"names": ["x" * 100] * 1000}}
    for _ in range(20):
        policy.ask(AUTHZ, long)
    instance = policy._idle[-1]
    before = instance._memory.data_len(instance._store)
    for _ in range(1000):
        policy.ask(AUTHZ, question(DANA, "training/start-run"))
    assert instance._memory.data_len(instance._store) == before


def test_a_question_too_large_for_its_memory_is_refused_and_the_next_is_answered(policy: OpaWasm) -> None:
    huge = question(DANA, "training/start-run") | {"resource": {"name": "x" * (80 << 20)}}
    with pytest.raises(Unavailable):
        policy.ask(AUTHZ, huge)
    assert policy.ask(AUTHZ, question(DANA, "training/start-run")).result["allow"] is True


def test_a_figure_that_is_no_json_is_refused(policy: OpaWasm) -> None:
    with pytest.raises(Unavailable):
        policy.gate({"tier": "limited", "environment": "dev", "time_ns": float("nan")})


def test_a_rule_that_is_not_there_is_undefined(policy: OpaWasm) -> None:
    with pytest.raises(Undefined):
        policy.ask("assay/authz/nonesuch", {})


def test_a_policy_that_needs_a_builtin_of_its_host_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "policy.wasm"
    path.write_bytes(wasmtime.wat2wasm(GREEDY.format(abi=1, builtins='{\\"http.send\\":0}')))
    with pytest.raises(Unavailable, match=r"http\.send"):
        OpaWasm(path)


def test_a_policy_of_another_interface_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "policy.wasm"
    path.write_bytes(wasmtime.wat2wasm(GREEDY.format(abi=2, builtins="{}")))
    with pytest.raises(Unavailable, match="ABI"):
        OpaWasm(path)


@pytest.mark.parametrize(
    "code",
    [b"", b"\0asm", b"<html>", WASM.read_bytes()[:-100], wasmtime.wat2wasm("(module)")],
    ids=["empty", "header", "page", "cut", "hollow"],
)
def test_what_is_no_policy_is_not_loaded(tmp_path: Path, code: bytes) -> None:
    path = tmp_path / "policy.wasm"
    path.write_bytes(code)
    with pytest.raises(Unavailable):
        OpaWasm(path)
