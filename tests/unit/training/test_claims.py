from __future__ import annotations

import math

import pytest

from services.training.claims import believable, check_against
from services.training.errors import BadParameters, ClaimContradicted, ImpossibleMetric


def test_finite_numbers_are_believed_until_they_are_measured() -> None:
    assert believable({"auc": 0.99, "train_loss": 3.5}) == {"auc": 0.99, "train_loss": 3.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_cannot_be_true(value: float) -> None:
    with pytest.raises(ImpossibleMetric, match="train_loss"):
        believable({"train_loss": value})


@pytest.mark.parametrize("name", ["auc", "AUC", "validation_auc", "train_f1", "val_accuracy", "brier"])
@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_a_share_outside_0_to_1_cannot_be_true(name: str, value: float) -> None:
    with pytest.raises(ImpossibleMetric, match="share"):
        believable({name: value})


@pytest.mark.parametrize("name", ["test_auc", "heldout_f1", "held_out_loss", "holdout_auc"])
def test_no_run_can_speak_of_rows_it_was_not_given(name: str) -> None:
    with pytest.raises(ImpossibleMetric, match="held-out"):
        believable({name: 0.5})


@pytest.mark.parametrize("name", ["", "a b", "1st", "x" * 64, "a/b", "é"])
def test_a_metric_has_a_plain_name(name: str) -> None:
    with pytest.raises(BadParameters):
        believable({name: 0.5})


def test_a_claim_far_above_what_was_measured_is_contradicted() -> None:
    with pytest.raises(ClaimContradicted, match=r"claims auc 0\.9900; measured on held-out rows: 0\.7700"):
        check_against({"auc": 0.99}, {"auc": 0.77})


@pytest.mark.parametrize(
    "claims",
    [{"validation_auc": 0.80}, {"auc": 0.5}, {"train_auc": 0.99}, {"loss": 0.1}, {"brier": 0.0}, {}],
)
def test_a_claim_about_other_rows_or_near_enough_stands(claims: dict[str, float]) -> None:
    check_against(claims, {"auc": 0.77, "brier": 0.13})
