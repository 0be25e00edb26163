from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.contracts import Fact, FactKind, canonical
from assay.custody import provenance, read_provenance
from assay.custody.errors import ChainBroken


def body(**changed: object) -> dict[str, Any]:
    said: dict[str, Any] = {
        "run": "run-1",
        "model": "credit-default",
        "builder": "spiffe://assay.demo/svc/core/training",
        "entry": "train.py",
        "source": {"train.py": "a" * 64},
        "parameters": {"epochs": 3},
        "feature_sets": ["b" * 64],
        "contributors": ["p-dana", "p-dana", "p-amir"],
        "environment": {"python": "3.11"},
        "seeds": {"torch": 7},
        "started": "2026-11-20T10:00:00Z",
        "finished": "2026-11-20T10:05:00Z",
        "mlflow_run": "0" * 32,
    }
    return provenance(**{**said, **changed})


def fact(said: dict[str, Any]) -> Fact:
    return Fact(
        FactKind.RUN, "run/run-1", "demo", "2026-11-20T10:05:01Z", said, subjects=(("epoch-3", "c" * 64),)
    )


def test_what_is_written_is_read_back() -> None:
    read = read_provenance(Fact.parse(fact(body()).payload()))
    assert read.run == "run-1"
    assert read.packages == {"epoch-3": "c" * 64}
    assert read.feature_sets == ("b" * 64,)
    assert read.contributors == ("p-amir", "p-dana")
    assert read.source == {"train.py": "a" * 64}
    assert read.parameters == {"epochs": 3}
    assert (read.seeds, read.environment) == ({"torch": 7}, {"python": "3.11"})


def test_it_is_slsa_provenance_as_in_toto_reads_it() -> None:
    from google.protobuf import json_format  # type: ignore[import-untyped]
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2  # type: ignore[import-untyped]
    from in_toto_attestation.v1 import statement_pb2  # type: ignore[import-untyped]
    from in_toto_attestation.v1.statement import Statement  # type: ignore[import-untyped]

    parsed = json_format.Parse(fact(body()).payload(), statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate_type == "https://slsa.dev/provenance/v1"
    predicate = json_format.Parse(canonical(body()), provenance_pb2.Provenance())
    assert predicate.build_definition.resolved_dependencies[0].digest["sha256"] == "b" * 64
    assert predicate.run_details.builder.id == "spiffe://assay.demo/svc/core/training"
    assert predicate.run_details.metadata.invocation_id == "run-1"
    assert predicate.run_details.metadata.finished_on.ToJsonString() == "2026-11-20T10:05:00Z"


def test_a_dependency_whose_name_and_digest_differ_is_refused() -> None:
    said = body()
    said["buildDefinition"]["resolvedDependencies"][0]["digest"]["sha256"] = "d" * 64
    with pytest.raises(ChainBroken):
        read_provenance(fact(said))


@pytest.mark.parametrize("left_out", ["buildDefinition", "runDetails"])
def test_what_is_no_provenance_of_ours_is_refused(left_out: str) -> None:
    said = {name: value for name, value in body().items() if name != left_out}
    with pytest.raises(ChainBroken):
        read_provenance(fact(said))


def test_another_build_type_or_kind_is_refused() -> None:
    said = body()
    said["buildDefinition"]["buildType"] = "https://example.org/other"
    with pytest.raises(ChainBroken):
        read_provenance(fact(said))
    with pytest.raises(ChainBroken):
        read_provenance(replace(fact(body()), kind=FactKind.EVALUATION))
