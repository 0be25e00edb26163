"""A view: which columns of which data sets become which features, in which order.

Two kinds of source. `Monthly` holds dated statements, of which the newest known version of each of the last
`months` months becomes lags, aggregates and a count. `Attributes` holds columns of which the newest known
version counts. A definition is JSON; its canonical bytes are what a feature set's `definition` digest names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.contracts import canonical, sha256_hex
from services.features.errors import BadDefinition, BadParameter

Aggregate = Literal["mean", "min", "max", "sum"]
Column = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
MONTHS_AHEAD: Final = "months_ahead"
MOST_FEATURES: Final = 4096
_VIEW: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entity(_Part):
    """What a row is about, and the column that names it in every source."""

    name: Column
    key: Column


class Monthly(_Part):
    """Statements dated by `event_time`; lag 0 is the newest month at an as-of date, lag 1 the one before."""

    dataset: Name
    event_time: Column
    months: Annotated[int, Field(ge=1, le=60)]
    lags: tuple[Column, ...] = ()
    aggregates: dict[Column, tuple[Aggregate, ...]] = {}
    count: Column | None = None

    def features(self) -> Iterator[tuple[str, str | None]]:
        """Yield each feature, in order, with the column it is made of."""
        for column in self.lags:
            yield from ((lag_name(column, lag), column) for lag in range(self.months))
        for column, wanted in sorted(self.aggregates.items()):  # JSON objects have no order
            yield from ((f"{column}_{how}", column) for how in wanted)
        if self.count is not None:
            yield self.count, None

    @property
    def columns(self) -> tuple[str, ...]:
        """The value columns it reads."""
        return tuple(dict.fromkeys((*self.lags, *self.aggregates)))


class Attributes(_Part):
    """Columns that hold until a newer version of the row is recorded."""

    dataset: Name
    columns: tuple[Column, ...]

    def features(self) -> Iterator[tuple[str, str | None]]:
        """Yield each feature, in order, with the column it is made of."""
        yield from ((column, column) for column in self.columns)


Source = Monthly | Attributes


class Definition(_Part):
    """A view. `missing` stands for what was not known; `keep` names features that slices are made by."""

    entity: Entity
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=16)]
    months_ahead: bool = False
    keep: tuple[Column, ...] = ()
    missing: float = 0.0

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a posted definition; raises BadDefinition naming the member that is wrong."""
        try:
            definition = cls.model_validate(dict(document))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise BadDefinition(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
        _check(definition)
        return definition

    def document(self) -> dict[str, Any]:
        """Return the definition as JSON, defaults written out."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical definition."""
        return sha256_hex(canonical(self.document()))

    @cached_property
    def origins(self) -> dict[str, tuple[str, str] | None]:
        """Each feature, in the order a model sees them, with the data set and column it is made of."""
        found: dict[str, tuple[str, str] | None] = {}
        for source in self.sources:
            for feature, column in source.features():
                found[feature] = (source.dataset, column) if column is not None else None
        return {**found, MONTHS_AHEAD: None} if self.months_ahead else found

    @property
    def features(self) -> tuple[str, ...]:
        """The features in the order a model sees them."""
        return tuple(self.origins)

    def reads(self, dataset: str) -> frozenset[str]:
        """The columns the view's features are made of in a data set."""
        return frozenset(o[1] for o in self.origins.values() if o is not None and o[0] == dataset)


def lag_name(column: str, lag: int) -> str:
    """Return the feature that holds a column's value `lag` months back."""
    return f"{column}_lag_{lag}"


def check_view(name: str) -> str:
    """Return a view's name when it is one; raises BadParameter."""
    if not _VIEW.fullmatch(name):
        raise BadParameter(f"view {name[:80]!r} is not a letter and up to 62 of a-z, 0-9, '_' and '-'")
    return name


def _check(definition: Definition) -> None:
    listed = [feature for source in definition.sources for feature, _ in source.features()]
    listed += [MONTHS_AHEAD] if definition.months_ahead else []
    datasets = [source.dataset for source in definition.sources]
    reserved = {definition.entity.key, "label", "as_of", "recorded_at"}
    problems = {
        "sources: a data set stands there twice": len(set(datasets)) != len(datasets),
        "sources: there is no feature": not listed,
        f"sources: more than {MOST_FEATURES} features": len(listed) > MOST_FEATURES,
        "sources: two features have the same name": len(set(listed)) != len(listed),
        f"sources: a feature is called {', '.join(sorted(reserved))}": bool(reserved & set(listed)),
        "keep: names what is no feature": not set(definition.keep) <= set(listed),
    }
    wrong = next((problem for problem, holds in problems.items() if holds), None)
    if wrong is not None:
        raise BadDefinition(wrong)
