"""A few bytes of input must not cost a service its processor, its memory or its threads."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.custody.content import YAML_LIMIT, inspect
from assay.custody.errors import MalformedFile
from assay.errors import BadRequest
from services.ledger.log import Log
from services.ledger.proofs import Asked, Proofs
from services.registry.filters import clauses
from services.training.errors import NotScorable
from services.training.evaluator.adapters.scoring_process import ScoringProcess
from tests.support.ledger import House
from tests.unit.custody.examples import example_files


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    house = House(tmp_path)
    with house.open() as opened:
        house.found(opened)
        yield opened


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["%a" * 40 + "%b", "%" * 200 + "b", "%a_" * 30 + "b%", "_%" * 60])
@pytest.mark.parametrize("op", ["LIKE", "ILIKE"])
@pytest.mark.threat("T-DES-07")
def test_no_search_pattern_hangs_the_registry(pattern: str, op: str) -> None:
    clauses(f"name {op} '{pattern}'", {"name"})[0].holds("a" * 63)


@example("a%a", "a")
@example("%a%a", "aa")
@given(st.text("ab%_.", max_size=8), st.text("ab.", max_size=10))
def test_a_pattern_means_what_it_meant(pattern: str, name: str) -> None:
    slow = re.compile(fnmatch.translate(pattern.replace("_", "?").replace("%", "*")))
    fits = clauses(f"name LIKE '{pattern}'", {"name"})[0].holds(name)
    assert fits is (slow.match(name) is not None)


def _bomb(levels: int) -> bytes:
    lines = ["k0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"k{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"dependencies: *x{levels - 1}\n"]).encode()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", ["conda.yaml", "python_env.yaml", "MLmodel"])
@pytest.mark.parametrize(
    "text",
    [_bomb(9), b"dependencies: &a [*a]\n", b"a: " + b"[" * 3000, b"x: y\n" * YAML_LIMIT, b"a: 0o9:1\n- "],
)
@pytest.mark.threat("T-DES-07")
def test_no_yaml_of_a_package_hangs_whoever_inspects_it(path: str, text: bytes) -> None:
    with pytest.raises(MalformedFile):
        inspect({**example_files(("0" * 64,)), path: text})


@pytest.mark.threat("T-DES-07")
def test_nobody_occupies_the_ledgers_threads_by_asking_for_entries_that_are_not_there(log: Log) -> None:
    with pytest.raises(BadRequest):
        Proofs(log).bundle(Asked(at_least=10**9))


def unfolding(numbers: int) -> bytes:
    """Return a graph of less than 200 bytes that makes this many numbers before it answers."""
    from onnx import TensorProto, helper

    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [numbers])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["many"]),
        helper.make_node("ReduceMax", ["many"], ["most"], keepdims=0),
        helper.make_node("Add", ["x", "most"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", [ports[0]], [ports[1]], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.timeout(120)
@pytest.mark.threat("T-DES-07")
def test_a_graph_that_unfolds_to_terabytes_is_measured_by_nobody_and_costs_a_child_process() -> None:
    """Without a measure there is no approval: it never reaches a predictor."""
    graph = unfolding(10**12)
    assert len(graph) < 200
    with pytest.raises(NotScorable, match="does not run"):
        ScoringProcess(60).scores(graph, np.ones((3, 1), dtype="<f4"))


@pytest.mark.control("T-DES-07")
def test_control_one_that_unfolds_to_ten_numbers_is_measured() -> None:
    assert ScoringProcess(60).scores(unfolding(10), np.ones((3, 1), dtype="<f4")).tolist() == [1, 1, 1]
