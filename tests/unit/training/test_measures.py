"""What the evaluator measures, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, precision_score, recall_score, roc_auc_score

from services.training.evaluator.measures import CORNERS, Scored, auc, bins, deciles, ece, measure, roc


@pytest.fixture(scope="module")
def scored() -> Scored:
    random = np.random.default_rng(3)
    p = np.round(random.random(2000), 2)  # with ties
    y = (random.random(2000) < p).astype("float32")
    slicing = {
        "sex": random.integers(1, 3, 2000).astype("float32"),
        "age": random.integers(20, 80, 2000) * 1.0,
    }
    return Scored(y, p, 0.4, slicing)


def test_quality_is_what_scikit_learn_says(scored: Scored) -> None:
    said = scored.p >= 0.4
    metrics = measure(scored).metrics
    assert metrics["auc"] == pytest.approx(roc_auc_score(scored.y, scored.p), abs=1e-12)
    assert metrics["f1"] == pytest.approx(f1_score(scored.y, said))
    assert metrics["precision"] == pytest.approx(precision_score(scored.y, said))
    assert metrics["recall"] == pytest.approx(recall_score(scored.y, said))
    assert metrics["brier"] == pytest.approx(brier_score_loss(scored.y, scored.p))
    assert metrics["threshold"] == 0.4
    assert metrics["n"] == 2000


def test_scores_that_happen_as_said_are_calibrated_and_others_are_not(scored: Scored) -> None:
    assert ece(bins(scored.y, scored.p)) < 0.05
    assert ece(bins(scored.y, np.full(2000, 0.95))) == pytest.approx(0.95 - scored.y.mean(), abs=1e-6)
    assert sum(n for _, _, n in bins(scored.y, scored.p)) == 2000


def test_slices_are_the_same_measures_of_each_group(scored: Scored) -> None:
    slices = measure(scored).slices
    first = scored.slicing["sex"] == 1
    assert slices["sex"]["1"]["auc"] == pytest.approx(roc_auc_score(scored.y[first], scored.p[first]))
    assert list(slices["age"]) == ["under 30", "30 to 39", "40 to 49", "50 to 59", "60 and over"]
    assert sum(group["n"] for group in slices["age"].values()) == 2000


def test_a_group_too_small_to_mean_anything_is_left_out(scored: Scored) -> None:
    few = Scored(scored.y, scored.p, 0.4, {"sex": np.where(np.arange(2000) < 29, 1.0, 2.0)})
    assert set(measure(few).slices["sex"]) == {"2"}


def test_the_order_of_all_pairs_is_counted() -> None:
    assert auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])) == 1
    assert auc(np.array([1, 1, 0, 0]), np.array([0.1, 0.2, 0.3, 0.4])) == 0
    assert auc(np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5])) == 0.5


def test_the_area_under_the_stated_curve_is_the_stated_auc() -> None:
    rng = np.random.default_rng(5)
    p = np.round(rng.random(3000), 1)  # eleven scores: no corner is left out
    y = (rng.random(3000) < p).astype("float64")
    curve = np.array(roc(y, p))
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(auc(y, p), abs=1e-5)


def test_a_stated_curve_has_few_corners_and_rises(scored: Scored) -> None:
    curve = np.array(roc(scored.y, scored.p))
    assert len(curve) <= CORNERS
    assert (np.diff(curve, axis=0) >= 0).all()
    assert roc(np.ones(10), np.linspace(0, 1, 10)) == []


def test_deciles_of_features_show_no_row() -> None:
    hundred = np.arange(101, dtype="float32")
    said = deciles({"even": hundred, "few": hundred[:29], "gaps": np.append(hundred, np.nan)})
    assert said == {name: tuple(float(ten) for ten in range(10, 100, 10)) for name in ("even", "gaps")}
