"""What the evaluator does: measure a package a run fact names, and make what it measured evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from assay.contracts import Evaluation, Fact, FactKind, body_of, strict_json
from assay.custody import MODEL_FILE, PackageFiles, inspect, package_digest, read_provenance
from assay.custody.chain import revocation_of
from assay.errors import HeadMoved, SignatureInvalid
from assay.ledger import Ledger, Record
from services.training.claims import check_against
from services.training.errors import InputRevoked, NotScorable, OtherRows, UnknownPackage
from services.training.evaluator.measures import BANDED, CODED, Array, Measures, Scored, measure
from services.training.evaluator.ports import HeldOut, HeldOutRows, Packages, Scorer
from services.training.facts import TENANT, claims_of
from services.training.inputs import Facts, Inputs
from services.training.packages import SIGNATURE_FILE, Inspect, check_ports

LABEL: Final = "label"
TRIES: Final = 5


class Records(Facts, Protocol):
    """What the evaluator reads of the ledger: its follower."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return records in log order."""


@dataclass(frozen=True)
class Wanted:
    """What should be measured: a package, by the run fact and checkpoint that name it, and on which rows."""

    run: str
    checkpoint: str
    package: str
    feature_set: str


@dataclass(frozen=True)
class Evaluated:
    """An evaluation fact, what it says, and what the run had claimed."""

    record: Record
    body: Evaluation
    claims: dict[str, float]


@dataclass(frozen=True)
class Evaluator:
    """Measures packages. `now` is RFC 3339 in UTC."""

    facts: Records
    ledger: Ledger
    packages: Packages
    held_out: HeldOut
    scorer: Scorer
    now: Callable[[], str]
    inspect: Inspect = inspect

    def evaluate(self, wanted: Wanted) -> Evaluated:
        """Measure a package on the rows held out from its run; the same measures again are the same fact.

        Raises:
            UnknownPackage: no run fact names it.
            OtherRows: the rows are not known to be held out from the run.
            InputRevoked: the run, or what it was made from, no longer counts.
            SignatureInvalid: training hands out other bytes than the fact names.
            NotScorable: the graph does not answer.
            ClaimContradicted: the run claimed more than was measured; there is no fact then.
        """
        self.facts.catch_up()
        record = self._run(wanted)
        inputs = Inputs.read(self.facts, wanted.feature_set)
        run = read_provenance(record.fact).run
        files = self.packages.package(run, wanted.checkpoint)
        if package_digest(files) != wanted.package:
            raise SignatureInvalid(f"training hands out other bytes than {wanted.package[:12]}")
        check_ports(self.inspect(files), len(inputs.features))
        held_out = self.held_out.rows(run, wanted.feature_set)
        measured = measure(self._scored(files, inputs, held_out))
        claims = claims_of(record, wanted.checkpoint)
        check_against(claims, measured.metrics)
        body = _body(wanted, held_out, measured)
        return Evaluated(self._say(body), body, claims)

    def evaluations(self, package: str) -> list[tuple[Record, Evaluation]]:
        """Return what was measured of a package, oldest first."""
        about = f"evaluation/{package}"
        found = [r for r in self.facts.records(FactKind.EVALUATION, about) if r.about == about]
        return [(record, body_of(record.fact, Evaluation)) for record in found]

    def _run(self, wanted: Wanted) -> Record:
        record = self.facts.record(wanted.run)
        if record is None or record.kind is not FactKind.RUN:
            raise UnknownPackage(f"{wanted.run[:64]!r} is no run fact")
        told = read_provenance(record.fact)
        if told.packages.get(wanted.checkpoint) != wanted.package:
            raise UnknownPackage(
                f"{told.run} names no package {wanted.package[:12]} {wanted.checkpoint[:63]!r}"
            )
        revocation = revocation_of(self.facts, record)
        if revocation is not None:
            raise InputRevoked(f"{told.run} was revoked: {revocation.reason}")
        if wanted.feature_set not in told.feature_sets:
            raise OtherRows(f"{told.run} was not trained on feature set {wanted.feature_set[:12]}")
        return record

    def _scored(self, files: PackageFiles, inputs: Inputs, held_out: HeldOutRows) -> Scored:
        table = held_out.table
        x = np.stack([_column(table, name) for name in inputs.features], axis=1)
        y = _column(table, LABEL).astype("float64")
        p = self.scorer.scores(files[MODEL_FILE], x)
        if len(p) != len(y) or not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
            raise NotScorable("the graph's answers are not one probability per row")
        slicing = {name: _column(table, name) for name in (*CODED, *BANDED) if name in table.column_names}
        features = dict(zip(inputs.features, x.T, strict=True))
        return Scored(y, p.astype("float64"), threshold_of(files), slicing, features)

    def _say(self, body: Evaluation) -> Record:
        about = f"evaluation/{body.package}"
        for _ in range(TRIES):
            head = self.facts.head(about)
            if head is not None and body_of(head.fact, Evaluation) == body:
                return head
            try:
                record = self.ledger.append(_fact(about, body, head, self.now()))
            except HeadMoved:
                self.facts.catch_up()
                continue
            self.facts.catch_up()
            return record
        raise HeadMoved(f"{about} kept moving")


def threshold_of(files: PackageFiles) -> float:
    """Return the probability from which a package counts a row as positive; raises NotScorable."""
    said: Any = strict_json(files.get(SIGNATURE_FILE, b"{}"))
    threshold = said.get("threshold") if isinstance(said, dict) else None
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        raise NotScorable(f"{SIGNATURE_FILE} names no threshold between 0 and 1")
    return threshold


def _body(wanted: Wanted, held_out: HeldOutRows, measured: Measures) -> Evaluation:
    return Evaluation(
        package=wanted.package,
        run=wanted.run,
        feature_set=wanted.feature_set,
        rows=held_out.ciphertext,
        metrics=measured.metrics,
        slices=measured.slices,
        calibration=tuple(measured.calibration),
        roc=tuple(measured.roc),
        deciles=measured.deciles,
    )


def _fact(about: str, body: Evaluation, head: Record | None, now: str) -> Fact:
    return Fact(
        kind=FactKind.EVALUATION,
        about=about,
        tenant=TENANT,
        time=now,
        body=body.model_dump(mode="json"),
        subjects=(("package", body.package),),
        previous=head.digest if head else None,
    )


def _column(table: Any, name: str) -> Array:  # noqa: ANN401 - pyarrow.Table
    column: Array = table.column(name).to_numpy().astype("float32")
    return column
