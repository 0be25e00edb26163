"""A run and its fact: SLSA v1 provenance written from a finished run, and a run read back from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from assay.contracts import Fact, FactKind
from assay.custody import provenance, read_provenance
from assay.ledger import Record
from services.training.domain import Offered, Run, State

TENANT: Final = "demo"


def about(run: str) -> str:
    """Return what a run's fact is about."""
    return f"run/{run}"


def run_fact(
    run: Run, *, builder: str, contributors: Collection[str], environment: Mapping[str, str]
) -> Fact:
    """Return the fact of a run whose candidates are packages; its claims stand in it as claims."""
    body = provenance(
        run=run.id,
        model=run.model,
        builder=builder,
        entry=run.entry,
        source=run.source,
        parameters=run.parameters,
        feature_sets=[run.feature_set],
        contributors=sorted({run.person, *contributors}),
        environment=environment,
        seeds={"run": run.seed},
        started=run.started,
        finished=run.finished,
        mlflow_run=run.mlflow_run,
    )
    body["buildDefinition"]["internalParameters"] |= {
        "startedBy": run.person,
        "experiment": run.experiment,
        "workers": run.workers,
    }
    body["runDetails"]["byproducts"] = [_byproduct(each) for each in run.offered]
    return Fact(
        kind=FactKind.RUN,
        about=about(run.id),
        tenant=TENANT,
        time=run.finished,
        body=body,
        subjects=tuple((each.name, str(each.package)) for each in run.offered),
    )


def _byproduct(offered: Offered) -> dict[str, Any]:
    """Return a candidate's ONNX graph as SLSA's resource descriptor, with what the run claims of it."""
    return {
        "name": f"{offered.name}/model.onnx",
        "digest": {"sha256": offered.graph},
        "annotations": {"claims": offered.claims, "threshold": offered.threshold},
    }


def run_of(record: Record) -> Run:
    """Return the run a fact tells of; raises ChainBroken when it is not one of ours."""
    told = read_provenance(record.fact)
    internal = record.fact.body["buildDefinition"]["internalParameters"]
    return Run(
        id=told.run,
        person=str(internal["startedBy"]),
        model=told.model,
        experiment=str(internal["experiment"]),
        feature_set=told.feature_sets[0],
        entry=told.entry,
        source=dict(told.source),
        parameters=dict(told.parameters),
        workers=int(internal["workers"]),
        seed=int(told.seeds["run"]),
        started=told.started,
        mlflow_run=told.mlflow_run,
        state=State.SUCCEEDED,
        doing="done",
        metrics=_newest_claims(record),
        offered=_offered(record, told.packages),
        finished=told.finished,
        fact=record.digest,
    )


def claims_of(record: Record, checkpoint: str) -> dict[str, float]:
    """Return what a run claims of one of its checkpoints."""
    return next((dict(each.claims) for each in _offered(record, {}) if each.name == checkpoint), {})


def _offered(record: Record, packages: Mapping[str, str]) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            name=(name := str(each["name"]).removesuffix("/model.onnx")),
            graph=str(each["digest"]["sha256"]),
            claims={key: float(value) for key, value in each["annotations"]["claims"].items()},
            threshold=float(each["annotations"]["threshold"]),
            package=packages.get(name),
        )
        for each in record.fact.body["runDetails"]["byproducts"]
    )


def _newest_claims(record: Record) -> dict[str, float]:
    offered = _offered(record, {})
    return dict(offered[-1].claims) if offered else {}
