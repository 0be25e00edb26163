"""What is stated from facts and stored bytes alone, and can be derived again by anybody who has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from assay.contracts import DatasetBatch, Evaluation, body_of
from assay.custody import Chain
from assay.custody.package import FileEntry

MEASURES: Final = ("auc", "f1", "brier", "selection_rate", "tpr", "fpr")
PERSONAL: Final = "pii"
JSON: Final = "application/json"
CYCLONEDX: Final = "application/vnd.cyclonedx+json"


class Derived(NamedTuple):
    """A statement to be: its type, document, figures, and the facts it was derived from."""

    kind: str
    document: dict[str, Any]
    media_type: str
    figures: dict[str, float]
    facts: tuple[str, ...]


def derive(whole: Chain, files: Sequence[FileEntry], card: Mapping[str, Any]) -> list[Derived]:
    """Return every statement a version's chain and stored package give; fairness only where slices were measured."""
    found = [data_tags(whole), scan(whole, files), bill_of_materials(whole, files, card)]
    fair = fairness(whole)
    return found + ([fair] if fair is not None else [])


def fairness(whole: Chain) -> Derived | None:
    """Return the gaps between the groups of each slice, measure by measure; None without slices.

    `worst_<measure>_gap` is the largest difference between two groups of one attribute, over all evaluations.
    """
    gaps: dict[str, dict[str, float]] = {}
    for record in whole.evaluations:
        for attribute, groups in body_of(record.fact, Evaluation).slices.items():
            for measure, gap in _gaps(groups).items():
                held = gaps.setdefault(attribute, {})
                held[measure] = max(held.get(measure, 0.0), gap)
    if not gaps:
        return None
    measures = sorted({measure for held in gaps.values() for measure in held})
    worst = {f"worst_{m}_gap": max(held[m] for held in gaps.values() if m in held) for m in measures}
    facts = tuple(record.digest for record in whole.evaluations)
    return Derived("fairness", {"gaps": gaps, "evaluations": list(facts)}, JSON, worst, facts)


def _gaps(groups: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    values = {m: [group[m] for group in groups.values() if m in group] for m in MEASURES}
    return {measure: round(max(found) - min(found), 6) for measure, found in values.items() if len(found) > 1}


def data_tags(whole: Chain) -> Derived:
    """Return what the batches behind the model were tagged with, column by column, and where they came from."""
    batches = [(record, body_of(record.fact, DatasetBatch)) for record in whole.batches]
    document = {
        "batches": [
            {
                "fact": record.digest,
                "dataset": body.dataset,
                "batch": body.batch,
                "rows": body.rows,
                "source": body.source,
                "tags": {column: sorted(tags) for column, tags in sorted(body.tags.items())},
            }
            for record, body in batches
        ]
    }
    personal = {
        (b.dataset, column) for _, b in batches for column, tags in b.tags.items() if PERSONAL in tags
    }
    figures = {
        "batches": float(len(batches)),
        "rows": float(sum(body.rows for _, body in batches)),
        "personal_columns": float(len(personal)),
    }
    return Derived("data", document, JSON, figures, tuple(record.digest for record, _ in batches))


def scan(whole: Chain, files: Sequence[FileEntry]) -> Derived:
    """Return what the registry's own inspection found: it keeps no package in which it finds anything."""
    document = {
        "scanner": "assay.custody.content",
        "rules": ["no pickle", "no code", "no archive", "no link", "ONNX operators of its own sets only"],
        "files": [dict(entry) for entry in files],
        "findings": [],
    }
    return Derived(
        "scan", document, JSON, {"findings": 0.0, "files": float(len(files))}, (whole.version.digest,)
    )


def bill_of_materials(whole: Chain, files: Sequence[FileEntry], card: Mapping[str, Any]) -> Derived:
    """Return a CycloneDX 1.6 ML-BOM: the model with its card, its files, its data and what its run ran on."""
    run, version = whole.provenance, whole.body
    model = {
        **card["metadata"]["component"],
        "bom-ref": "model",
        "hashes": [{"alg": "SHA-256", "content": version.package}],
    }
    data = [
        {"type": "data", "bom-ref": f"data:{record.digest}", "name": body.dataset, "version": body.batch}
        for record, body in ((r, body_of(r.fact, DatasetBatch)) for r in whole.batches)
    ]
    libraries = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{release}",
            "name": name,
            "version": release,
            "purl": f"pkg:pypi/{name}@{release}",
        }
        for name, release in sorted(run.environment.items())
        if name not in {"python", "platform", "distributions"}
    ]
    stored = [
        {
            "type": "file",
            "bom-ref": f"file:{entry['path']}",
            "name": entry["path"],
            "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}],
        }
        for entry in files
    ]
    parts: list[dict[str, Any]] = [*data, *libraries, *stored]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": run.finished, "component": model},
        "components": parts,
        "dependencies": [{"ref": "model", "dependsOn": sorted(part["bom-ref"] for part in parts)}],
    }
    figures = {"components": float(len(parts)), "libraries": float(len(libraries))}
    return Derived("sbom", document, CYCLONEDX, figures, (whole.run.digest,))
