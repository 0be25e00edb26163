"""What a run is made from, and who has a hand in it: read from facts, never from what the caller says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from assay.contracts import DatasetBatch, FactKind, FeatureSet, Revocation, body_of
from assay.custody.chain import revocation_of
from assay.ledger import Record
from services.training.errors import InputRevoked, UnknownFeatureSet

TRAIN = "train"
TEST = "test"


class Facts(Protocol):
    """What is read of the ledger: `assay.ledger.Follower`."""

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""

    def catch_up(self) -> int:
        """Follow to the newest checkpoint."""


@dataclass(frozen=True)
class Inputs:
    """A feature set that counts: its fact, its columns, and the people behind it and its batches."""

    fact: str
    features: tuple[str, ...]
    splits: dict[str, str]  # split -> digest of the ciphertext
    rows: dict[str, int]
    view: str
    contributors: frozenset[str]

    @classmethod
    def read(cls, facts: Facts, digest: str) -> Self:
        """Read a feature set and the batches below it.

        Raises:
            UnknownFeatureSet: no such fact.
            InputRevoked: it, or one of its batches, no longer counts.
        """
        record = _counting(facts, digest, FactKind.FEATURE_SET)
        body = body_of(record.fact, FeatureSet)
        contributors = set(body.contributors)
        for batch in body.facts:
            below = _counting(facts, batch, FactKind.BATCH)
            contributors.update(body_of(below.fact, DatasetBatch).contributors)
        return cls(
            fact=digest,
            features=body.features,
            splits=dict(body.splits),
            rows=dict(body.rows),
            view=body.view,
            contributors=frozenset(contributors),
        )


def _counting(facts: Facts, digest: str, kind: FactKind) -> Record:
    record = facts.record(digest)
    if record is None or record.kind is not kind:
        raise UnknownFeatureSet(f"{digest[:64]!r} is no {kind} fact")
    revocation = revocation_of(facts, record)
    if revocation is not None:
        raise InputRevoked(f"{kind} {digest[:12]} was revoked: {revocation.reason}")
    return record
