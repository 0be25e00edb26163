"""A run's body: SLSA provenance v1, and the one reader of it.

The run fact's subjects are `(checkpoint name, package digest)`. Our own build type puts the contributors, the
seeds and the environment into `internalParameters`; feature sets are `resolvedDependencies`, named by fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import Fact, FactKind
from assay.custody.errors import ChainBroken

BUILD_TYPE: Final = "urn:assay:build:ray-train:v1"
FACT_URI: Final = "urn:assay:fact:"
SOURCE_URI: Final = "urn:assay:source:"


@dataclass(frozen=True)
class Provenance:
    """What a run fact says.

    `packages` maps checkpoint -> package digest, `source` path -> SHA-256; `feature_sets` are fact digests;
    `contributors` are person ids: who started it, who wrote the code, who changed data or features.
    """

    run: str
    model: str
    builder: str
    packages: Mapping[str, str]
    feature_sets: tuple[str, ...]
    contributors: tuple[str, ...]
    source: Mapping[str, str]
    entry: str
    parameters: Mapping[str, Any]
    environment: Mapping[str, str]
    seeds: Mapping[str, int]
    started: str
    finished: str
    mlflow_run: str


def provenance(
    *,
    run: str,
    model: str,
    builder: str,
    entry: str,
    source: Mapping[str, str],
    parameters: Mapping[str, Any],
    feature_sets: Sequence[str],
    contributors: Sequence[str],
    environment: Mapping[str, str],
    seeds: Mapping[str, int],
    started: str,
    finished: str,
    mlflow_run: str,
) -> dict[str, Any]:
    """Return the body of a run fact; times are RFC 3339 in UTC, digests SHA-256 hex."""
    dependencies = [
        {"uri": f"{FACT_URI}{digest}", "digest": {"sha256": digest}, "name": "feature-set"}
        for digest in feature_sets
    ]
    dependencies += [
        {"uri": f"{SOURCE_URI}{path}", "digest": {"sha256": digest}, "name": path}
        for path, digest in sorted(source.items())
    ]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"model": model, "entry": entry, "parameters": dict(parameters)},
            "internalParameters": {
                "contributors": sorted(set(contributors)),
                "environment": dict(environment),
                "seeds": dict(seeds),
                "mlflowRun": mlflow_run,
            },
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": builder},
            "metadata": {"invocationId": run, "startedOn": started, "finishedOn": finished},
        },
    }


def read_provenance(fact: Fact) -> Provenance:
    """Read a run fact; raises ChainBroken when it is not one of ours."""
    if fact.kind is not FactKind.RUN:
        raise ChainBroken(f"{fact.digest[:12]} is a {fact.kind} fact, not a run")
    try:
        return _read(fact)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainBroken(f"run fact {fact.digest[:12]} is not SLSA provenance of ours: {error!r}") from error


def _read(fact: Fact) -> Provenance:
    definition, details = fact.body["buildDefinition"], fact.body["runDetails"]
    if definition["buildType"] != BUILD_TYPE:
        raise ValueError(f"build type {definition['buildType']!r}")
    external, internal = definition["externalParameters"], definition["internalParameters"]
    dependencies = definition["resolvedDependencies"]
    return Provenance(
        run=details["metadata"]["invocationId"],
        model=external["model"],
        builder=details["builder"]["id"],
        packages=dict(fact.subjects),
        feature_sets=tuple(_facts(dependencies)),
        contributors=tuple(internal["contributors"]),
        source={d["name"]: d["digest"]["sha256"] for d in dependencies if d["uri"].startswith(SOURCE_URI)},
        entry=external["entry"],
        parameters=external["parameters"],
        environment=internal["environment"],
        seeds=internal["seeds"],
        started=details["metadata"]["startedOn"],
        finished=details["metadata"]["finishedOn"],
        mlflow_run=internal["mlflowRun"],
    )


def _facts(dependencies: Sequence[Mapping[str, Any]]) -> list[str]:
    named = [d for d in dependencies if d["uri"].startswith(FACT_URI)]
    for entry in named:
        if entry["uri"] != FACT_URI + entry["digest"]["sha256"]:
            raise ValueError("a dependency's uri and digest differ")
    return [entry["digest"]["sha256"] for entry in named]
