"""The credit-default script by itself, on one worker: what a resume changes (nothing), and what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score

from assay.training import Rows
from pipelines.credit_default import train as script


class Died(Exception):
    """The worker died."""


@dataclass
class OneWorker:
    """A run of one worker over made-up rows; dies after a step once, when told to."""

    seed: int = 7
    dies_after: int | None = None
    id: str = "run-1"
    rank: int = 0
    world: int = 1
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"epochs": 4, "batch_size": 64})
    kept: Mapping[str, bytes] | None = None
    offered: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    graph: torch.nn.Module | None = None

    def rows(self, split: str = "train") -> Rows:
        """Return rows whose label follows two columns; one column is a code, one has holes."""
        assert split == "train"
        random = np.random.default_rng(5)
        x = random.normal(size=(1200, 4)).astype("float32") * 1000
        x[:, 3] = random.integers(0, 3, 1200)
        y = (x[:, 0] + 500 * (x[:, 3] == 2) + random.normal(size=1200) * 200 > 0).astype("float32")
        x[::7, 1] = np.nan
        return Rows(x, y, ("a", "b", "c", "d"))

    def report(
        self, metrics: Mapping[str, float], *, step: int, checkpoint: Mapping[str, bytes] | None = None
    ) -> None:
        """Keep the checkpoint, and die when told to."""
        assert 0 <= metrics["validation_auc"] <= 1
        self.steps.append(step)
        self.kept = checkpoint
        if step == self.dies_after:
            self.dies_after = None
            raise Died

    def resume(self) -> Mapping[str, bytes] | None:
        """Return the newest checkpoint."""
        return self.kept

    def candidate(
        self, name: str, model: torch.nn.Module, metrics: Mapping[str, float], *, threshold: float = 0.5
    ) -> None:
        """Keep the weights."""
        assert 0 < threshold < 1
        assert metrics["validation_auc"] > 0.8
        self.offered[name] = {key: value.clone() for key, value in model.state_dict().items()}
        self.graph = model


def test_a_run_that_dies_and_goes_on_ends_with_the_same_weights_bit_for_bit() -> None:
    whole, broken = OneWorker(), OneWorker(dies_after=1)  # the step that offers a candidate
    script.train(whole)
    with pytest.raises(Died):
        script.train(broken)
    script.train(broken)
    assert broken.steps == [0, 1, 2, 3] == whole.steps
    assert set(whole.offered) == set(broken.offered) == {"epoch-2", "final"}
    for name, tensor in whole.offered["final"].items():
        assert torch.equal(tensor, broken.offered["final"][name]), name


def test_another_seed_gives_another_model() -> None:
    one, other = OneWorker(), OneWorker(seed=8)
    script.train(one)
    script.train(other)
    assert not torch.equal(
        one.offered["final"]["network.0.weight"], other.offered["final"]["network.0.weight"]
    )


def test_a_missing_value_and_a_value_never_seen_are_answered_with_a_probability() -> None:
    run = OneWorker()
    script.train(run)
    assert run.graph is not None
    odd = torch.tensor([[float("nan")] * 4, [1e9, -1e9, 0.0, 77.0]])
    with torch.no_grad():
        answers = run.graph.eval()(odd)
    assert answers.shape == (2, 1)
    assert bool(((answers >= 0) & (answers <= 1)).all())


def test_its_own_measures_are_scikit_learns() -> None:
    random = np.random.default_rng(2)
    scores = np.round(random.random(500), 2)
    y = (random.random(500) < scores).astype("float32")
    assert script._auc(y, scores) == pytest.approx(roc_auc_score(y, scores))
    threshold, f1 = script._best_threshold(y, scores)
    assert f1 == pytest.approx(f1_score(y, scores >= threshold), abs=0.02)


def test_rows_of_one_client_are_all_kept_from_fitting_or_none() -> None:
    clients = np.repeat(np.arange(400), 3).astype("float32")
    fitted, kept = script._split(Rows(clients[:, None], clients, ("client",)), seed=7)
    assert not set(fitted.y) & set(kept.y)
    assert 0.1 < len(kept.y) / len(clients) < 0.3
