from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assay.contracts import sha256_hex
from services.training.asked import Asked
from services.training.errors import BadParameters, BadSource
from services.training.source import MAX_BYTES, MAX_FILES, Source

OK = {"train.py": "def train(run): ..."}


def asked(**changes: Any) -> Asked:  # noqa: ANN401 - what is asked for
    told: dict[str, Any] = {
        "experiment": "credit",
        "model": "credit-default",
        "source": Source.checked(OK, "train.py"),
        "feature_set": "f" * 64,
        "parameters": {},
        "workers": 2,
        "most_workers": 4,
    }
    return Asked.checked(**told | changes)


def test_a_source_names_each_file_by_its_digest() -> None:
    source = Source.checked({**OK, "lib/net.py": "x"}, "train.py")
    assert source.digests == {"lib/net.py": sha256_hex(b"x"), "train.py": sha256_hex(OK["train.py"].encode())}


@pytest.mark.parametrize(
    "path",
    [
        "../train.py",
        "/etc/passwd",
        "a/../b.py",
        ".hidden.py",
        "a//b.py",
        "train.pyc",
        "a b.py",
        "a\\b.py",
        "x.pkl",
    ],
)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(BadSource, match="plain relative path"):
        Source.checked({**OK, path: ""}, "train.py")


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({}, "train.py"),
        (OK, "other.py"),
        ({"lib/train.py": ""}, "lib/train.py"),
        ({"train.json": "{}"}, "train.json"),
        ({f"m{n}.py": "" for n in range(MAX_FILES + 1)}, "m0.py"),
        ({"train.py": "x" * (MAX_BYTES + 1)}, "train.py"),
    ],
)
def test_what_is_no_script_is_refused(files: Mapping[str, str], entry: str) -> None:
    with pytest.raises(BadSource):
        Source.checked(files, entry)


def test_the_seed_is_the_parameter_of_that_name() -> None:
    assert asked(parameters={"seed": 7}).seed == 7
    assert asked().seed == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"workers": 0},
        {"workers": 5},
        {"parameters": {"seed": "7"}},
        {"parameters": {"seed": True}},
        {"parameters": {"seed": -1}},
        {"parameters": {"x": "y" * 20_000}},
        {"parameters": {"x": float("nan")}},
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadParameters):
        asked(**changes)
