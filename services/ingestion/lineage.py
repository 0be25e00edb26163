"""The OpenLineage event of a batch: what ran, read, wrote and was checked. No values, no people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

PRODUCER: Final = "https://assay.invalid/ingestion"
_SPEC: Final = "https://openlineage.io/spec"


def event(
    *,
    run: UUID,
    time: str,
    namespace: str,
    dataset: str,
    source: str,
    snapshot: str,
    columns: Mapping[str, str],
    result: Mapping[str, Any],
    rows: int,
) -> dict[str, Any]:
    """Return a COMPLETE RunEvent (spec 2-0-2); `namespace` is `assay://<trust domain>/<tenant>`."""
    return {
        "eventType": "COMPLETE",
        "eventTime": time,
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(run), "facets": {}},
        "job": {"namespace": namespace, "name": f"ingest.{dataset}", "facets": {}},
        "inputs": [{"namespace": namespace, "name": f"source.{source}", "facets": {}}],
        "outputs": [
            {
                "namespace": namespace,
                "name": dataset,
                "facets": {
                    "schema": _facet("SchemaDatasetFacet", "1-1-1", fields=_fields(columns)),
                    "version": _facet("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=snapshot),
                    "dataQualityAssertions": _facet(
                        "DataQualityAssertionsDatasetFacet",
                        "1-0-1",
                        assertions=_assertions(result["results"]),
                    ),
                },
                "outputFacets": {
                    "outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=rows)
                },
            }
        ],
    }


def _fields(columns: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in columns.items()]


def _assertions(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for one in results:
        config = one["expectation_config"]
        column = config["kwargs"].get("column")
        found.append(
            {
                "assertion": config["type"],
                "success": one["success"],
                **({"column": column} if isinstance(column, str) else {}),
            }
        )
    return found


def _facet(name: str, version: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}",
        **members,
    }
