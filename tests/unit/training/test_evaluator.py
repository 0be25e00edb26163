"""Evaluations of packages runs made, on a real ledger; the rows are a table of the test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from assay.custody import PackageFiles
from assay.errors import SignatureInvalid
from services.training.errors import ClaimContradicted, InputRevoked, NotScorable, OtherRows, UnknownPackage
from services.training.evaluator.adapters.scoring_process import ScoringProcess
from services.training.evaluator.measures import Array
from services.training.evaluator.ports import HeldOutRows
from services.training.evaluator.usecases import Evaluator, Wanted
from services.training.ports import Ended
from services.training.usecases import Training
from tests.unit.training.lab import INSPECTOR, NOW, Lab, revoke
from tests.unit.training.made import NAMES, graph

ROWS = 400


def table() -> pa.Table:
    """Return rows whose label mostly follows the first column."""
    random = np.random.default_rng(1)
    first = random.normal(size=ROWS).astype("float32")
    label = (first + 0.5 * random.normal(size=ROWS) > 0).astype("int8")
    columns = {name: np.zeros(ROWS, "float32") for name in NAMES} | {"a": first}
    columns |= {"sex": np.where(np.arange(ROWS) % 2, 1.0, 2.0), "age": np.full(ROWS, 41.0)}
    return pa.table({**columns, "label": label})


@dataclass
class Bench:
    """A run that succeeded, the evaluator, and what it is given."""

    lab: Lab
    training: Training
    run: str
    answers: Array | None = None
    files: PackageFiles | None = None

    def rows(self, _run: str, _feature_set: str) -> HeldOutRows:
        """See `ports.HeldOut`."""
        return HeldOutRows(table(), "2" * 64)

    def scores(self, _graph: bytes, x: Array) -> Array:
        """See `ports.Scorer`."""
        return 1 / (1 + np.exp(-x[:, 0])) if self.answers is None else self.answers

    def package(self, run: str, checkpoint: str) -> PackageFiles:
        """See `ports.Packages`."""
        digest = self.training.finisher.packages_of(run)[checkpoint]
        return self.files or self.training.packages.get(digest)

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator of this bench."""
        ground = self.lab.ground
        return Evaluator(ground.following, ground.evaluators, self, self, self, lambda: NOW, INSPECTOR)

    @property
    def wanted(self) -> Wanted:
        """The run's own package, on its own feature set."""
        seen = self.training.view(self.run)
        return Wanted(str(seen.fact), "final", str(seen.offered[0].package), self.lab.feature_set)


@pytest.fixture
def bench(lab: Lab) -> Bench:
    return trained(lab)


def trained(lab: Lab, claims: dict[str, float] | None = None) -> Bench:
    training = lab.training()
    run = lab.offered(training, claims=claims)
    training.hear(run, Ended(None))
    return Bench(lab, training, run)


def test_what_is_measured_becomes_a_fact_about_the_package(bench: Bench) -> None:
    done = bench.evaluator.evaluate(bench.wanted)
    assert done.record.about == f"evaluation/{bench.wanted.package}"
    assert done.body.metrics["auc"] > 0.8
    assert set(done.body.slices) == {"sex", "age"}
    assert (done.body.roc[0], done.body.roc[-1]) == ((0, 0), (1, 1))
    assert set(done.body.deciles) == set(NAMES)
    assert done.body.rows == "2" * 64
    assert done.claims == {"validation_auc": 0.7}
    assert [record.digest for record, _ in bench.evaluator.evaluations(bench.wanted.package)] == [
        done.record.digest
    ]


def test_measuring_again_says_the_same_once_and_something_new_after_it(bench: Bench) -> None:
    first = bench.evaluator.evaluate(bench.wanted)
    assert bench.evaluator.evaluate(bench.wanted).record == first.record
    bench.answers = bench.scores(b"", np.array(table()["a"])[:, None]) * 0.9
    second = bench.evaluator.evaluate(bench.wanted).record
    assert second.fact.previous == first.record.digest
    assert len(bench.evaluator.evaluations(bench.wanted.package)) == 2


@pytest.mark.parametrize("member", ["run", "checkpoint", "package"])
def test_a_package_no_run_fact_names_is_refused(bench: Bench, member: str) -> None:
    wanted = vars(bench.wanted) | {member: "9" * 64}
    with pytest.raises(UnknownPackage):
        bench.evaluator.evaluate(Wanted(**wanted))


def test_a_feature_sets_fact_is_no_run(bench: Bench) -> None:
    with pytest.raises(UnknownPackage, match="no run fact"):
        bench.evaluator.evaluate(Wanted(**vars(bench.wanted) | {"run": bench.lab.feature_set}))


def test_rows_of_another_feature_set_are_not_known_to_be_held_out(bench: Bench) -> None:
    with pytest.raises(OtherRows):
        bench.evaluator.evaluate(Wanted(**vars(bench.wanted) | {"feature_set": "8" * 64}))


def test_a_run_or_rows_that_were_revoked_are_not_measured(bench: Bench) -> None:
    wanted = bench.wanted
    revoke(bench.lab, bench.lab.feature_set)
    with pytest.raises(InputRevoked):
        bench.evaluator.evaluate(wanted)
    revoke(bench.lab, wanted.run)
    with pytest.raises(InputRevoked):
        bench.evaluator.evaluate(wanted)


def test_other_bytes_than_the_fact_names_are_refused(bench: Bench) -> None:
    true = bench.package(bench.run, "final")
    bench.files = {**true, "README.md": true["README.md"] + b"\n"}
    with pytest.raises(SignatureInvalid):
        bench.evaluator.evaluate(bench.wanted)


@pytest.mark.parametrize(
    "answers", [np.full(ROWS, np.nan), np.full(ROWS, 1.5), np.full(ROWS - 1, 0.5), np.full(ROWS, -0.1)]
)
def test_answers_that_are_no_probabilities_are_refused(bench: Bench, answers: Array) -> None:
    bench.answers = answers
    with pytest.raises(NotScorable):
        bench.evaluator.evaluate(bench.wanted)


def test_a_run_that_claims_auc_0_99_gets_no_evidence(lab: Lab) -> None:
    bench = trained(lab, {"auc": 0.9999})
    with pytest.raises(ClaimContradicted, match="claims auc"):
        bench.evaluator.evaluate(bench.wanted)
    assert bench.evaluator.evaluations(bench.wanted.package) == []


def test_a_graph_runs_in_a_process_of_its_own_and_a_broken_one_is_refused_by_name() -> None:
    scorer = ScoringProcess(60)
    x = np.arange(12, dtype="float32").reshape(3, 4)
    expected = 1 / (1 + np.exp(-x.sum(1) * 0.1))
    assert scorer.scores(graph(), x) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(NotScorable, match="exit 1"):
        scorer.scores(b"no graph", x)
    with pytest.raises(NotScorable):
        scorer.scores(graph(width=3), x)
