"""Two engines, the same questions: OPA over HTTP, asked in bulk, beside Wasm in process."""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assay.policy import OpaWasm
from assay.policy.decisions import AUTHZ, GATE
from assay.policy.preview import rights_of
from assay_laptop.opa.build import sources
from assay_laptop.opa.find import folder
from tests.contract.policy import questions
from tests.contract.policy.world import free_port

AT_ONCE = 500  # questions in one request
BULK = """package differential

authz := [answer | some question in input; answer := data.assay.authz.decision with input as question]

gate := [answer | some question in input; answer := data.assay.gate.verdict with input as question]
"""


@dataclass
class Compared:
    """What was compared: `said` counts what both said by rule, `asked` by action or gate."""

    questions: int = 0
    differences: list[tuple[Any, Any, Any]] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def take(self, asked: Sequence[Mapping[str, Any]], ours: Sequence[Any], theirs: Sequence[Any]) -> None:
        """Take the answers to some questions."""
        assert len(asked) == len(ours) == len(theirs), "an engine had nothing to say on some question"
        self.questions += len(asked)
        for question, own, other in zip(asked, ours, theirs, strict=True):
            self.asked[_name(question)] += 1
            if own != other:
                self.differences.append((question, own, other))
            else:
                self.said[own["rule"].partition(".")[2] or own["rule"]] += 1


def compare(opa: Path, wasm: OpaWasm, total: int, seed: int) -> Compared:
    """Ask both engines `total` made-up questions, three in four of who may do what and one of what may go where."""
    chance = random.Random(seed)  # noqa: S311 - examples, not secrets
    actions = sorted(rights_of(wasm))
    compared = Compared()
    with serving_in_bulk(opa) as http:
        for start in range(0, total, AT_ONCE):
            count = min(AT_ONCE, total - start)
            if start // AT_ONCE % 4 == 3:
                rule, name, asked = GATE, "gate", [questions.gate(chance) for _ in range(count)]
            else:
                rule, name, asked = AUTHZ, "authz", [questions.authz(chance, actions) for _ in range(count)]
            answer = http.post(f"/v1/data/differential/{name}", json={"input": asked}).raise_for_status()
            compared.take(asked, [wasm.ask(rule, one).result for one in asked], answer.json()["result"])
    return compared


@contextmanager
def serving_in_bulk(opa: Path) -> Iterator[httpx.Client]:
    """Run OPA on the rules and one more that takes many questions at once; for comparing, and on loopback."""
    with tempfile.TemporaryDirectory() as scratch:
        bulk = Path(scratch) / "bulk.rego"
        bulk.write_text(BULK)
        url = f"127.0.0.1:{free_port()}"
        argv = [str(opa), "run", "--server", "--addr", url, "--log-level", "error", "--skip-version-check"]
        process = subprocess.Popen([*argv, str(bulk), *(str(path) for path in sources(folder()))])
        try:
            with httpx.Client(base_url=f"http://{url}", timeout=120, trust_env=False) as http:
                _wait(http, process)
                yield http
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "OPA did not start"
        try:
            if http.get("/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("OPA does not answer")


def _name(question: Mapping[str, Any]) -> str:
    if "tier" in question or "evidence" in question:
        return f"gate {question.get('tier')}/{question.get('environment')}"
    return str(question.get("action"))
