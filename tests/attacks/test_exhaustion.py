"""A few bytes of input must not cost a service its processor, its memory or its threads."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.custody.content import YAML_LIMIT, inspect
from assay.custody.errors import MalformedFile
from assay.errors import BadRequest
from services.ledger.log import Log
from services.ledger.proofs import Asked, Proofs
from services.registry.filters import clauses
from tests.support.ledger import House
from tests.unit.custody.world import example_files


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
