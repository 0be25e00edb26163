"""What MLflow's clients write: names, tags and descriptions as drafts, versions by their signed run, aliases.

Notes decide nothing. A version comes of a run's checkpoint, whatever address a client gives for its bytes; an
alias moves through its gate, but for those that are everybody's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assay.contracts import Alias, FactKind, Version, body_of, check_name
from assay.contracts.names import NAME
from assay.custody import read_provenance
from assay.custody.errors import ChainRevoked
from assay.errors import HeadMoved
from assay.ledger import Record
from assay.web.caller import Caller
from assay.web.mlflow_shape import ResourceAlreadyExists
from services.registry.domain import FREE, VersionRow, alias_about, check_alias, heard_alias, standing_alias
from services.registry.errors import (
    LooksLikeAnother,
    NoSignedRun,
    NoteRefused,
    SourceIsNoCheckpoint,
    UnknownAlias,
    UnknownCheckpoint,
    UnknownModel,
    UnknownTier,
)
from services.registry.evidence.stating import Stating
from services.registry.filters import PROMPT
from services.registry.ports import Notes
from services.registry.registering import RACES, Registering
from services.registry.taking_off import RIGHT, take_off
from services.registry.usecases import Registry

DESCRIPTION: Final = ""
TIER: Final = "assay.tier"
_RESERVED: Final = "assay."
_TIERS: Final = frozenset({"low", "limited", "high"})
_DEFAULT_TIER: Final = "limited"
_LONGEST_KEY, _LONGEST_VALUE, _MOST_NOTES = 250, 10_000, 200
_RUN: Final = re.compile(
    r"(?:runs:/|mlflow-artifacts:(?://[^/]+)?/[0-9]{1,20}/)(?P<run>[0-9a-f]{32})(?:/artifacts)?/(?P<checkpoint>[\w.\-]{1,200})/?"
)
_VERSION: Final = re.compile(r"models:/(?P<model>[^/@]{1,80})/(?P<number>[0-9]{1,9})")
_LOGGED: Final = re.compile(r"(models:/m-[0-9a-f]{32}|mlflow-artifacts:.*/models/m-[0-9a-f]{32}/artifacts)/?")


@dataclass(frozen=True)
class Naming:
    """The writes of an MLflow client, each authorised on what it touches."""

    registry: Registry
    registering: Registering
    stating: Stating
    kept: Notes

    def name(self, model: str, noted: Mapping[str, str], *, by: Caller) -> None:
        """Name a model that has no version yet.

        Raises:
            ResourceAlreadyExists: it has been named, or has versions.
            LooksLikeAnother, BadRequest: no such name is given.
        """
        self._require("registry/register", model, by)
        known = self._names()
        if NAME.fullmatch(model) is None:
            _refuse_look_alikes(model, known)
        check_name(model, "model")
        checked = _checked(noted, {})
        if model in known or not self.kept.name(model, by=_who(by)):
            raise ResourceAlreadyExists(f"Registered Model (name={model}) already exists")
        self.kept.note(model, 0, checked, by=_who(by))

    def version(
        self, model: str, source: str, run: str | None, noted: Mapping[str, str], *, by: Caller
    ) -> Record:
        """Give the checkpoint that a source names the model's next number.

        Raises:
            SourceIsNoCheckpoint: the source names nothing of ours, or a checkpoint of another run than is said.
            NoSignedRun: no run of the platform made it.
            UnknownTier: the tag `assay.tier` says another.
        """
        self._require("registry/register", model, by)
        made, checkpoint = self._made(source, run)
        if (tier := noted.get(TIER, _DEFAULT_TIER)) not in _TIERS:
            raise UnknownTier(f"{tier[:80]!r} is no tier of risk")
        plain = {k: v for k, v in noted.items() if not _reserved(k)}
        checked = _checked(plain, {})
        record = self.registering.register(model, run=made.digest, checkpoint=checkpoint, tier=tier, by=by)
        number = body_of(record.fact, Version).number
        self.stating.derive(model, number)
        self.kept.note(model, number, checked, by=_who(by))
        return record

    def note(self, model: str, number: int, key: str, value: str, *, by: Caller) -> None:
        """Tag or describe a version, or a model (0).

        Raises:
            NoteRefused: the key is the platform's, or there is too much.
        """
        self._known(model, number, by)
        self.kept.note(model, number, _checked({key: value}, self.kept.notes(model, number)), by=_who(by))

    def forget(self, model: str, number: int, key: str, *, by: Caller) -> None:
        """Take a tag off a version, or a model (0)."""
        self._known(model, number, by)
        if _reserved(key) or key == DESCRIPTION:
            raise NoteRefused(f"{key[:80]!r} is the platform's word")
        self.kept.forget(model, number, key)

    def point(self, model: str, spoken: str, number: int, *, by: Caller) -> Record:
        """Make an alias, as MLflow's clients spell it, name a version.

        Raises:
            GateNotMet: the alias is protected, and this is missing.
        """
        environment, alias = heard_alias(spoken)
        check_alias(alias)
        if alias not in FREE:
            return self.registry.promote(model, alias, number=number, environment=environment, by=by)
        registry = self.registry
        registry.log.catch_up()
        version = registry.believed.version(model, number)
        resource = {"model": model, "environment": environment.value, "tenant": version.fact.tenant}
        registry.policy.require(RIGHT, by, resource)
        if said := registry.log.revoked(version.digest):
            raise ChainRevoked(f"{model} v{number} was revoked: {said.reason}")
        body = Alias(
            model=model,
            alias=alias,
            number=number,
            version=version.digest,
            approvals=(),
            evidence=(),
            policy="",
        )
        about, said_body = alias_about(environment.value, model, alias), body.model_dump(mode="json")
        for _ in range(RACES):
            head = registry.log.head(about)
            stands = standing_alias(head)
            if stands is not None and stands.fact.body["version"] == version.digest:
                return stands
            try:
                return registry.commit(registry.fact(FactKind.ALIAS, about, said_body, head, environment))
            except HeadMoved:
                registry.log.catch_up()
        raise HeadMoved(f"{about} moved {RACES} times")

    def take_off(self, model: str, spoken: str, *, by: Caller) -> None:
        """Take an alias off, as MLflow's clients spell it; one that a model does not have is off already.

        Raises:
            AliasProtected: it changes at its gate only.
            UnknownModel: there is no such model.
        """
        environment, alias = heard_alias(spoken)
        try:
            take_off(self.registry, model, alias, environment, by=by)
        except UnknownAlias:
            if model not in self._names():
                raise UnknownModel(f"there is no model {model[:63]!r}") from None

    def _made(self, source: str, run: str | None) -> tuple[Record, str]:
        """Return the run fact behind a source, and the checkpoint."""
        self.registry.log.catch_up()
        if found := _VERSION.fullmatch(source):
            row = VersionRow.of(self.registry.believed.version(found["model"], int(found["number"])))
            record = self.registry.log.record(row.run)
            if record is not None:
                return record, row.checkpoint
        if _LOGGED.match(source):
            raise NoSignedRun("a model that a client logged has no signed run behind it")
        found = _RUN.fullmatch(source)
        if not found or (run and run != found["run"]):
            raise SourceIsNoCheckpoint(
                f"{source[:200]!r} names no checkpoint of a run, or of another than {run!r}"
            )
        return self._run(found["run"], found["checkpoint"]), found["checkpoint"]

    def _run(self, tracked: str, checkpoint: str) -> Record:
        runs = self.registry.log.records(FactKind.RUN)
        tracking = [(one, read_provenance(one.fact)) for one in runs]
        tracking = [(one, said) for one, said in tracking if said.mlflow_run == tracked]
        if not tracking:
            raise NoSignedRun(f"run {tracked} is in MLflow, and no signed run of the platform is behind it")
        for one, said in reversed(tracking):
            if checkpoint in said.packages:
                return one
        made = ", ".join(sorted(tracking[-1][1].packages))
        raise UnknownCheckpoint(f"run {tracked} made no checkpoint {checkpoint[:80]!r}; it made {made}")

    def _known(self, model: str, number: int, by: Caller) -> None:
        self._require("registry/annotate", model, by)
        if number:
            self.registry.believed.version(model, number)
        elif model not in self._names():
            raise UnknownModel(f"there is no model {model[:63]!r}")

    def _names(self) -> frozenset[str]:
        return frozenset(self.registry.believed.models()) | frozenset(self.kept.names())

    def _require(self, action: str, model: str, by: Caller) -> None:
        self.registry.policy.require(action, by, {"tenant": self.registry.tenant, "model": model})


def _refuse_look_alikes(model: str, known: frozenset[str]) -> None:
    folded = unicodedata.normalize("NFKC", model).casefold().strip()
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    for like in {folded, bare, bare.replace("_", "-").replace(" ", "-")} & known:
        raise LooksLikeAnother(f"{model[:80]!r} differs from {like!r} in case or look-alike characters only")


def _checked(noted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Return notes a person may write beside those that are there."""
    for key, value in noted.items():
        if _reserved(key) or key.strip() != key:
            raise NoteRefused(f"{key[:80]!r} is the platform's word")
        if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise NoteRefused(f"{key[:80]!r} or its value is too long")
    if len(noted.keys() | there.keys()) > _MOST_NOTES:
        raise NoteRefused(f"a version or model has at most {_MOST_NOTES} tags")
    return dict(noted)


def _reserved(key: str) -> bool:
    return key.strip().casefold().startswith(_RESERVED) or key.strip() == PROMPT


def _who(by: Caller) -> str:
    return str(by.person or by)
