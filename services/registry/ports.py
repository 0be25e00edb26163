"""What the registry needs of the outside, in its own words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from assay.contracts import CredentialBound, Environment, FactKind, Revocation
from assay.custody import PackageFiles
from assay.ledger import Checkpoint, Record
from services.registry.domain import AliasRow, VersionRow, WordRow


class Log(Protocol):
    """The follower: verified facts, and the checkpoint they stand under."""

    def catch_up(self) -> int:
        """Follow to the newest checkpoint."""

    def settled(self) -> AbstractContextManager[None]:
        """Hold the log where it is: in here every table has applied what is followed to."""

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint followed to."""

    def record(self, digest: str) -> Record | None:
        """Return a fact by digest."""

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return facts in log order."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant."""

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's bound credential."""

    def policy_revision(self) -> str:
        """Return the revision of the policy in force."""


class Runs(Protocol):
    """Where runs leave what they made: training."""

    def package(self, run: str, checkpoint: str) -> PackageFiles:
        """Return the files of one checkpoint of a run (by id), not yet verified."""


class Place(NamedTuple):
    """Where an endpoint is reached, and what serving sees there: answering, starting or stale."""

    url: str
    state: str


class Places(Protocol):
    """Who knows what answers where: serving and its predictors."""

    def all(self) -> Mapping[tuple[str, str], Place]:
        """Return every endpoint by environment and name; raises Unavailable."""

    def receipt(self, environment: str, endpoint: str, receipt: str) -> Mapping[str, Any]:
        """Return a receipt with its place in a landed journal batch; raises NotFound, Unavailable."""


class Boms(Protocol):
    """Who knows what a bill of materials has to look like."""

    def check(self, document: Mapping[str, Any]) -> None:
        """Return when a document is a CycloneDX 1.6 bill of materials; raises BomInvalid."""


class Names(Protocol):
    """Who knows what people are called: identity. Facts know opaque ids alone."""

    def all(self) -> Mapping[str, str]:
        """Return names by person id; whoever has none, or cannot be asked for, is left out."""


class Shelf(Protocol):
    """The tables: what is where, rebuilt from facts. Nothing in them is believed without its fact."""

    def models(self) -> Sequence[str]:
        """Return the names of all models, sorted."""

    def versions(self, model: str) -> Sequence[VersionRow]:
        """Return a model's versions by number."""

    def version(self, model: str, number: int) -> VersionRow | None:
        """Return one version."""

    def aliases(self, model: str) -> Sequence[AliasRow]:
        """Return a model's aliases in every environment."""

    def alias(self, environment: Environment, model: str, alias: str) -> AliasRow | None:
        """Return one alias."""

    def words(self, model: str, number: int) -> Sequence[WordRow]:
        """Return what people said last about a version, in every environment."""


class Notes(Protocol):
    """What people note of models and versions: names, tags, descriptions. No facts; nothing is decided on them.

    Number 0 is the model itself; the key of a description is empty.
    """

    def names(self) -> Sequence[str]:
        """Return every model that was named, sorted."""

    def name(self, model: str, *, by: str) -> bool:
        """Name a model; False when it has been named before."""

    def notes(self, model: str, number: int) -> Mapping[str, str]:
        """Return what was noted of a version, or of a model, by key."""

    def note(self, model: str, number: int, noted: Mapping[str, str], *, by: str) -> None:
        """Put notes in the place of those with their keys."""

    def forget(self, model: str, number: int, key: str) -> None:
        """Take a note away."""

    def notes_of(self, which: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Mapping[str, str]]:
        """Return what was noted of several versions and models."""

    def noted(self, key: str) -> Mapping[tuple[str, int], str]:
        """Return every note of a key, by model and number."""
