"""Everything the page of a version shows, put together for one environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from assay.contracts import Environment, Revocation
from assay.custody import Chain
from assay.custody.chain import chain
from assay.custody.judging import standing_now
from services.registry.domain import AliasRow, VersionRow
from services.registry.evidence.stating import Stating
from services.registry.showing import plots
from services.registry.showing.comparing import (
    Baseline,
    Section,
    against,
    baseline,
    compared,
    newest_evaluation,
)
from services.registry.showing.documents import Documents, documents_shown
from services.registry.showing.gates import ShownGate, gates_shown
from services.registry.showing.picture import Picture, lineage
from services.registry.showing.plots import Curve, Drift, Slices
from services.registry.showing.proofs import Piece, pieces_shown
from services.registry.showing.requests import REVOKERS
from services.registry.showing.signers import Candidate, ShownWord, candidates_shown, words_shown

MOVERS: Final = frozenset({"administrator", "data-scientist", "operator"})


@dataclass(frozen=True)
class Plots:
    """What was measured, drawn; each is empty where no fact states its numbers."""

    roc: list[Curve]
    calibration: list[Curve]
    slices: list[Slices]
    drift: list[Drift]


@dataclass(frozen=True)
class ShownVersion:
    """A version before an approver: `environment` is the one they look at it for."""

    row: VersionRow
    chain: Chain
    environment: Environment
    gates: list[ShownGate]
    aliases: list[AliasRow]
    revoked: Revocation | None
    newest: int
    before: Baseline | None
    sections: list[Section]
    pieces: list[Piece]
    documents: Documents
    picture: Picture
    plots: Plots
    words: list[ShownWord]
    candidates: list[Candidate]

    @property
    def gate(self) -> ShownGate:
        """The gate of the environment looked at."""
        return next(gate for gate in self.gates if gate.environment is self.environment)


@dataclass(frozen=True)
class Links:
    """Where somebody is shown the way; whether they may is decided by policy when they go."""

    ask: bool
    revoke: bool


def links_for(roles: frozenset[str]) -> Links:
    """Return which ways somebody with these roles is shown."""
    return Links(bool(roles & MOVERS), bool(roles & REVOKERS))


def version_shown(
    stating: Stating,
    model: str,
    number: int,
    *,
    environment: Environment,
    compare: int | None,
    people: Iterable[str],
) -> ShownVersion:
    """Return a version for a page; `compare` names another version than the last one that entered.

    Raises:
        UnknownModel, UnknownVersion: there is none.
        ProjectionTampered, SignatureInvalid: what is kept is not what the facts say.
    """
    registry = stating.registry
    record = registry.believed.version(model, number)
    row = VersionRow.of(record)
    gates = gates_shown(registry, model, number, tuple(Environment))
    before = against(registry, model, compare) if compare else baseline(registry, model, number, environment)
    whole = standing_now(registry.log, chain(registry.log, record.digest))
    gate = next(each for each in gates if each.environment is environment)
    words = words_shown(registry, model, number, environment, gate)
    return ShownVersion(
        row=row,
        chain=whole,
        environment=environment,
        gates=gates,
        aliases=[each for each in registry.believed.aliases(model) if each.number == number],
        revoked=registry.log.revoked(record.digest),
        newest=len(registry.believed.versions(model)),
        before=before,
        sections=compared(registry, model, number, before) if before else [],
        pieces=pieces_shown(registry, model, number, gates),
        documents=documents_shown(stating, model, number),
        picture=lineage(registry, model, number),
        plots=_plots(whole, before),
        words=words,
        candidates=candidates_shown(registry, people, words, whole.contributors),
    )


def _plots(whole: Chain, before: Baseline | None) -> Plots:
    now = newest_evaluation(whole)
    old = newest_evaluation(before.chain) if before else None
    names = (f"v{whole.body.number}", f"v{before.number}" if before else "")
    return Plots(
        plots.roc(now, old, names),
        plots.calibration(now, old, names),
        plots.slices(now, old),
        plots.drift(now, old),
    )
