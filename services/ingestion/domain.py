"""Contracts, pushes and claims: the frozen values ingestion reasons with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.contracts import DatasetBatch, Fact, FactKind, body_of, canonical, sha256_hex
from assay.ledger import Record
from services.ingestion.errors import BadContract, BadParameter

RECORDED_AT: Final = "recorded_at"
PII_CLASSES: Final = frozenset(
    {"name", "email", "phone", "iban", "card", "address", "birthdate", "government-id"}
)
SNAPSHOT: Final = "snapshot"
QUARANTINE: Final = "quarantine"
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_COLUMN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


Word = Annotated[str, Field(pattern=_WORD.pattern + "$", max_length=63)]


class Contract(BaseModel):
    """What a data set promises: its columns and their types, tags and expectations.

    `purposes` are what the data may be used for, `region` where it may be worked on, `project` a label.
    `quarantine_limit` is the share of rows (0 to 1) that may fail before the whole batch is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: dict[str, Any]
    schema_: Annotated[dict[str, str], Field(alias="schema", min_length=1, max_length=2000)]
    tags: dict[str, tuple[str, ...]] = {}
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.5
    purposes: Annotated[tuple[Word, ...], Field(max_length=20)] = ()
    region: Word | None = None
    project: Word | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a posted contract; raises BadContract naming the member that is wrong."""
        try:
            contract = cls.model_validate(dict(document))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadContract(f"{where}: {first['msg']}") from error
        _check_columns(contract)
        for column, tags in contract.tags.items():
            _check_tags(column, tags)
        return contract

    def document(self) -> dict[str, Any]:
        """Return the contract as JSON, defaults written out."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical contract."""
        return sha256_hex(canonical(self.document()))

    @property
    def personal(self) -> frozenset[str]:
        """The columns tagged `pii`."""
        return frozenset(column for column, tags in self.tags.items() if "pii" in tags)


def _check_columns(contract: Contract) -> None:
    odd = [column for column in contract.schema_ if not _COLUMN.fullmatch(column)]
    if odd:
        raise BadContract(f"schema: {odd[0][:80]!r} is not a column name (letters, digits and _)")
    strangers = sorted(set(contract.tags) - set(contract.schema_))
    if strangers:
        raise BadContract(f"tags: {strangers[0][:80]!r} is not a column of the schema")


def _check_tags(column: str, tags: Sequence[str]) -> None:
    classes = PII_CLASSES & set(tags)
    if any(not _WORD.fullmatch(tag) for tag in tags):
        raise BadContract(f"tags.{column}: a tag is 1 to 63 of a-z, 0-9, '.', '_' and '-'")
    if ("pii" in tags) != (len(classes) == 1):
        raise BadContract(
            f"tags.{column}: 'pii' and exactly one of {', '.join(sorted(PII_CLASSES))} come together"
        )


@dataclass(frozen=True)
class Push:
    """A batch as it was pushed. `recorded_at` is when its rows became known, naive UTC."""

    dataset: str
    label: str
    media_type: str
    source: str
    content: bytes
    recorded_at: datetime

    @classmethod
    def checked(cls, *, label: str, source: str, now: datetime, **rest: Any) -> Self:  # noqa: ANN401 - own fields
        """Check what stands in the ledger for ever: no free text, no date to come."""
        for what, word in (("batch", label), ("source", source)):
            if not _WORD.fullmatch(word):
                raise BadParameter(f"{what} {word[:80]!r} is not 1 to 63 of a-z, 0-9, '.', '_' and '-'")
        push = cls(label=label, source=source, **rest)
        if push.recorded_at > now:
            raise BadParameter("recorded_at is yet to come", fix="give the time these rows became known")
        return push


class Claim(BaseModel):
    """A prepared batch, kept before it is appended: whoever holds the same bytes finishes the same fact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str
    time: str
    subjects: tuple[tuple[str, str], ...]
    body: DatasetBatch

    def fact(self, previous: str | None) -> Fact:
        """Return the batch fact after `previous`."""
        return Fact(
            kind=FactKind.BATCH,
            about=about(self.tenant, self.body.dataset),
            tenant=self.tenant,
            time=self.time,
            body=self.body.model_dump(mode="json"),
            subjects=self.subjects,
            previous=previous,
        )

    @property
    def snapshot(self) -> str:
        """SHA-256 of the snapshot's ciphertext: what makes this batch this batch."""
        return self.subjects[0][1]


@dataclass(frozen=True)
class BatchRow:
    """A batch as the database projects it: exactly what its fact says, and its place in the log."""

    index: int
    fact: str
    dataset: str
    batch: str
    snapshot: str
    rows: int
    quarantined: int
    time: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the row of a batch fact."""
        body = body_of(record.fact, DatasetBatch)
        return cls(
            index=record.index,
            fact=record.digest,
            dataset=body.dataset,
            batch=body.batch,
            snapshot=dict(record.fact.subjects)[SNAPSHOT],
            rows=body.rows,
            quarantined=body.quarantined,
            time=record.fact.time,
        )


@dataclass(frozen=True)
class Pushed:
    """What a push became. `reasons` say why rows were quarantined; a duplicate is the batch it was before."""

    row: BatchRow
    reasons: tuple[Mapping[str, Any], ...]
    duplicate: bool


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC of a naive UTC time."""
    return moment.isoformat(timespec="milliseconds") + "Z"


def about(tenant: str, dataset: str) -> str:
    """Return the head a data set's batches race for."""
    return f"dataset/{tenant}/{dataset}"
