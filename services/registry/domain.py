"""The registry's values: rows as facts make them, and what an alias may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from assay.contracts import Alias, Approval, Environment, FactKind, Version, body_of, check_name
from assay.ledger import Record
from services.registry.errors import BadAlias

CHAMPION: Final = "champion"
_MEANS_SOMETHING_ELSE: Final = re.compile(r"latest|v?\d+|(dev|test|prod)-.*")
FREE: Final = frozenset({"challenger", "candidate", "shadow", "baseline"})
"""Aliases that move without a gate. Whoever answers requests is judged all the same, whatever it was called."""
DECISIONS: Final = frozenset({FactKind.APPROVAL, FactKind.REJECTION, FactKind.WITHDRAWAL})
KIND_OF: Final = {
    "approve": FactKind.APPROVAL,
    "reject": FactKind.REJECTION,
    "withdraw": FactKind.WITHDRAWAL,
}


@dataclass(frozen=True)
class VersionRow:
    """A version as its fact makes it."""

    model: str
    number: int
    fact: str
    package: str
    signature: str
    run: str
    checkpoint: str
    tier: str
    time: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a version fact."""
        body = body_of(record.fact, Version)
        return cls(
            model=body.model,
            number=body.number,
            fact=record.digest,
            package=body.package,
            signature=body.signature,
            run=body.run,
            checkpoint=body.checkpoint,
            tier=body.tier,
            time=record.fact.time,
        )


@dataclass(frozen=True)
class AliasRow:
    """Where an alias points, as the newest fact about it says; one that was taken off has no row."""

    environment: str
    model: str
    alias: str
    number: int
    fact: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read an alias fact."""
        body = body_of(record.fact, Alias)
        environment = record.fact.environment.value if record.fact.environment else ""
        return cls(environment, body.model, body.alias, body.number, record.digest)

    @property
    def about(self) -> str:
        """The alias's head."""
        return alias_about(self.environment, self.model, self.alias)


@dataclass(frozen=True)
class WordRow:
    """What a person said last about a version for an environment."""

    environment: str
    model: str
    number: int
    person: str
    kind: str
    fact: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read an approval, rejection or withdrawal."""
        body = body_of(record.fact, Approval)
        environment = record.fact.environment.value if record.fact.environment else ""
        person = body.assertion.person
        return cls(environment, body.model, body.number, person, record.kind.value, record.digest)

    @property
    def about(self) -> str:
        """The head of the person's word."""
        return f"approval/{self.model}/{self.number}/{self.environment}/{self.person}"


def model_about(tenant: str, model: str) -> str:
    """Return the head of a model's versions."""
    return f"model/{tenant}/{model}"


def alias_about(environment: str, model: str, alias: str) -> str:
    """Return the head of an alias."""
    return f"alias/{environment}/{model}@{alias}"


def standing_alias(head: Record | None) -> Record | None:
    """Return the newest fact about an alias while it names a version; None once it was taken off."""
    return None if head is None or body_of(head.fact, Alias).ended else head


def check_alias(alias: str) -> str:
    """Return an alias that names nothing else; raises BadAlias or BadRequest."""
    if _MEANS_SOMETHING_ELSE.fullmatch(check_name(alias, "alias")):
        raise BadAlias(f"{alias!r} means something else")
    return alias


def spoken_alias(environment: Environment | str, alias: str) -> str:
    """Return an alias as MLflow's clients say it: prod's plainly, another environment's with its name."""
    return alias if environment == Environment.PROD.value else f"{environment}-{alias}"


def heard_alias(spoken: str) -> tuple[Environment, str]:
    """Return the environment and alias an MLflow client means."""
    for environment in (Environment.DEV, Environment.TEST):
        if spoken.startswith(f"{environment.value}-"):
            return environment, spoken.removeprefix(f"{environment.value}-")
    return Environment.PROD, spoken
