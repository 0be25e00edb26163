"""Building a feature set: which batches it stands on, and the rows they give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.contracts import DatasetBatch, body_of
from assay.ledger import Record
from services.features import rows
from services.features.asof import RECORDED
from services.features.definition import Definition, Monthly
from services.features.errors import BadFeatureSet, LabelLeak, PersonalFeature
from services.features.ports import PointInTime, Snapshots

MOST_BATCHES = 1000
MOST_DATES = 120


class Label(BaseModel):
    """What is to be foretold: a 0/1 column; `date` is when it comes true (default: the last as-of date)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    column: str
    date: dt.date | None = None


class Request(BaseModel):
    """A feature set as it is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: str
    facts: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_BATCHES)]
    as_of: Annotated[tuple[dt.date, ...], Field(min_length=1, max_length=MOST_DATES)]
    label: Label
    purpose: Annotated[str, Field(max_length=63)] = ""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a posted request; raises BadFeatureSet naming the member that is wrong."""
        try:
            return cls.model_validate(dict(document))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadFeatureSet(f"{where}: {first['msg']}") from error

    @property
    def dates(self) -> list[dt.date]:
        """The as-of dates, each once, in order."""
        return sorted(set(self.as_of))


@dataclass(frozen=True)
class Ground:
    """The batches a feature set stands on, by data set, in log order."""

    batches: Mapping[str, tuple[Record, ...]]
    bodies: Mapping[str, DatasetBatch]  # by fact

    @classmethod
    def of(cls, records: Sequence[Record]) -> Self:
        """Group batch facts by data set; the same fact twice counts once."""
        unique = {record.digest: record for record in records}
        bodies = {digest: body_of(record.fact, DatasetBatch) for digest, record in unique.items()}
        batches: dict[str, tuple[Record, ...]] = {}
        for record in sorted(unique.values(), key=lambda one: one.index):
            dataset = bodies[record.digest].dataset
            batches[dataset] = (*batches.get(dataset, ()), record)
        return cls(batches, bodies)

    @property
    def facts(self) -> tuple[str, ...]:
        """The batch facts, by data set and log order."""
        return tuple(record.digest for records in self.batches.values() for record in records)

    @property
    def contributors(self) -> set[str]:
        """Everybody who contributed a batch."""
        return {person for body in self.bodies.values() for person in body.contributors}

    @property
    def released(self) -> dict[str, Any]:
        """What policy is asked about, by the batches' facts: purposes all of them allow, and their regions."""
        bodies = list(self.bodies.values())
        personal = any("pii" in tags for body in bodies for tags in body.tags.values())
        named = [set(body.purposes) for body in bodies if body.purposes]
        return {
            "classification": "personal" if personal else "internal",
            "purposes": sorted(set.intersection(*named)) if named else None,
            "regions": sorted({body.region for body in bodies if body.region}),
            "projects": sorted({body.project for body in bodies if body.project}),
        }

    def check(self, definition: Definition, label: Label) -> None:
        """Refuse batches that are missing or not used, personal columns, and a label among the features."""
        wanted = {source.dataset for source in definition.sources} | {label.dataset}
        if wanted != set(self.batches):
            missing, unused = sorted(wanted - set(self.batches)), sorted(set(self.batches) - wanted)
            raise BadFeatureSet(
                f"facts: no batch of {missing or 'none'}; not used by the view: {unused or 'none'}"
            )
        if label.column in definition.reads(label.dataset):
            raise LabelLeak(f"{label.dataset}.{label.column} is a feature of the view")
        for feature, tags in self.tags(definition).items():
            if "pii" in tags:
                raise PersonalFeature(f"{feature} is made of a column tagged {', '.join(tags)}")

    def tags(self, definition: Definition) -> dict[str, tuple[str, ...]]:
        """Return for each feature the tags of the column it is made of, in any of its batches."""
        found = {}
        for feature, origin in definition.origins.items():
            if origin is None:
                continue
            dataset, column = origin
            bodies = [self.bodies[record.digest] for record in self.batches.get(dataset, ())]
            tags = {tag for body in bodies for tag in body.tags.get(column, ())}
            if tags:
                found[feature] = tuple(sorted(tags))
        return found


def columns_read(definition: Definition, label: Label, dataset: str) -> list[str]:
    """Return the columns of a data set that are decrypted: never more than the view and the label need."""
    columns = [definition.entity.key, RECORDED]
    for source in definition.sources:
        if source.dataset == dataset:
            columns += [source.event_time] if isinstance(source, Monthly) else []
            columns += source.columns
    columns += [label.column] if label.dataset == dataset else []
    return list(dict.fromkeys(columns))


class Builder:
    """Makes the rows of feature sets; plaintext stays in this process's memory."""

    def __init__(self, snapshots: Snapshots, engine: PointInTime) -> None:
        self._snapshots = snapshots
        self._engine = engine

    def rows(self, request: Request, definition: Definition, ground: Ground) -> pl.DataFrame:
        """Return the labelled rows at every as-of date, features complete and in order."""
        versions = {
            dataset: self._versions(definition, request.label, dataset, records, ground)
            for dataset, records in ground.batches.items()
        }
        key, label, dates = definition.entity.key, request.label, request.dates
        labelled = rows.labels(versions[label.dataset], key, label.column)
        entities = rows.entity_rows(labelled, dates, label.date or dates[-1])
        wide = self._engine.retrieve(request.view, definition, entities, versions)
        return rows.finished(wide, definition)

    def _versions(
        self, definition: Definition, label: Label, dataset: str, records: Sequence[Record], ground: Ground
    ) -> pl.DataFrame:
        columns = columns_read(definition, label, dataset)
        for record in records:
            missing = [name for name in columns if name not in ground.bodies[record.digest].columns]
            if missing:
                raise BadFeatureSet(f"batch {record.digest[:12]} of {dataset} has no column {missing[0]}")
        tables = [pl.DataFrame(self._snapshots.table(record, columns)) for record in records]
        return rows.in_order(tables)
