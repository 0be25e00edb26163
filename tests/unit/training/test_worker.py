"""What a worker does around the script: finding it, what the script may report, and saying why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.errors import Forbidden
from services.training.driver.inside import InsideRun
from services.training.driver.order import RunOrder
from services.training.driver.worker import _told, script
from services.training.errors import BadOutput, ImpossibleMetric
from tests.unit.training.made import NAMES, graph

ORDER = RunOrder(
    run="run-1",
    folder="/nowhere",
    entry="train.py",
    parameters={"epochs": 2},
    workers=2,
    seed=7,
    max_failures=2,
    features=NAMES,
    order="jws",
    features_url="https://f",
    training_url="https://t",
    traceparent="",
)


@dataclass
class Given:
    """The platform as a worker meets it: one table, and what the worker gave."""

    offered: dict[str, tuple[bytes, Mapping[str, float], float]] = field(default_factory=dict)
    reported: dict[int, Mapping[str, float]] = field(default_factory=dict)

    def table(self, split: str) -> pa.Table:
        """Return rows of the train split alone."""
        if split != "train":
            raise Forbidden("the test split is held out")
        columns: dict[str, list[float | None]] = {name: [1.0, None] for name in NAMES}
        return pa.table({**columns, "label": [0, 1]})

    def report(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take a report."""
        self.reported[step] = metrics

    def offer(self, name: str, model: bytes, claims: Mapping[str, float], threshold: float) -> None:
        """Take a candidate."""
        self.offered[name] = (model, claims, threshold)

    def newest(self) -> None:
        """Keep no checkpoint."""


def inside(given: Given, rank: int = 0) -> InsideRun:
    return InsideRun(ORDER, given, rank=rank, world=2)  # type: ignore[arg-type]


def test_an_order_is_one_line_and_the_same_when_read_back() -> None:
    assert ORDER.line().count(b"\n") == 1
    assert RunOrder.read(ORDER.line()) == ORDER


def test_rows_are_float32_in_the_order_of_the_features_and_a_null_is_nan() -> None:
    x, y, names = inside(Given()).rows()
    assert (str(x.dtype), x.shape, names) == ("float32", (2, len(NAMES)), NAMES)
    assert list(y) == [0.0, 1.0]
    assert x[1, 0] != x[1, 0]  # NaN


def test_asking_for_held_out_rows_is_remembered_even_when_the_script_hides_it() -> None:
    run = inside(Given())
    run.refuse_if_cheated()
    with pytest.raises(Forbidden):
        run.rows("test")
    with pytest.raises(Forbidden, match="held out"):
        run.refuse_if_cheated()


def test_rank_0_offers_and_the_others_do_not() -> None:
    given = Given()
    inside(given, rank=1).candidate("final", graph(), {"auc": 0.7})
    assert given.offered == {}
    inside(given).candidate("final", graph(), {"auc": 0.7}, threshold=0.3)
    assert given.offered["final"] == (graph(), {"auc": 0.7}, 0.3)


def test_what_cannot_be_true_is_refused_where_it_is_said() -> None:
    with pytest.raises(ImpossibleMetric):
        inside(Given()).candidate("final", graph(), {"auc": 1.7})
    with pytest.raises(ImpossibleMetric):
        inside(Given()).report({"test_auc": 0.7}, step=0)
    with pytest.raises(BadOutput, match="pickle"):
        inside(Given()).report({}, step=0, checkpoint={"state.pickle": b"x"})


def write(folder: Path, text: str) -> Path:
    (folder / "train.py").write_text(text)
    return folder


def test_a_script_finds_its_own_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("answer = 42")
    found = script(
        write(tmp_path, "import beside_the_script as b\ndef train(run): return b.answer"), "train.py"
    )
    assert found(None) == 42


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise ValueError('no data')", "ValueError: no data (train.py, line 1)"),
        ("def train(run):\n    return 1 / 0", "ZeroDivisionError: division by zero (train.py, line 2)"),
        ("def train(run): import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("def train(run) return", "SyntaxError"),
        ("x = 1", "TypeError: train.py defines no function `train(run)`"),
        ("def train(run):\n    raise SystemExit(3)", "SystemExit: 3 (train.py, line 2)"),
    ],
)
def test_why_a_script_failed_is_said_in_its_own_words_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises((Exception, SystemExit)) as raised:
        script(write(tmp_path, text), "train.py")(None)
    title, detail = _told(raised.value, tmp_path)
    assert title == "ScriptFailed"
    assert words in detail


def test_a_refusal_of_the_platform_keeps_its_name(tmp_path: Path) -> None:
    refusal: Any = Forbidden("the test split is held out")
    assert _told(refusal, tmp_path) == ("Forbidden", "the test split is held out")
