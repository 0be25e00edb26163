"""Endpoints: what the ledger says should answer, whether its gate would let it today, and what serving sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.contracts import FactKind, Rollout, body_of
from assay.custody import judge_move
from assay.errors import ServiceError
from assay.ledger import Record
from services.registry.ports import Place, Places
from services.registry.usecases import Registry


@dataclass(frozen=True)
class ShownPlace:
    """An endpoint. `refused` says why its rollout would not be let in now; `seen` is None where nobody says."""

    environment: str
    endpoint: str
    rollout: Rollout
    fact: str
    since: str
    refused: ServiceError | None
    seen: Place | None


@dataclass(frozen=True)
class ShownPlaces:
    """Every endpoint, and why serving was not heard, if so."""

    places: tuple[ShownPlace, ...]
    silent: ServiceError | None


def places_shown(registry: Registry, places: Places) -> ShownPlaces:
    """Return the endpoints of the tenant, by name; what cannot be asked of serving is told from facts alone."""
    silent: ServiceError | None = None
    seen: Mapping[tuple[str, str], Place] = {}
    try:
        seen = places.all()
    except ServiceError as error:
        silent = error
    heads = {r.about: r for r in registry.log.records(FactKind.ROLLOUT) if r.fact.tenant == registry.tenant}
    shown = [_shown(registry, head, seen) for _, head in sorted(heads.items())]
    return ShownPlaces(tuple(shown), silent)


def _shown(registry: Registry, head: Record, seen: Mapping[tuple[str, str], Place]) -> ShownPlace:
    _, environment, endpoint = head.about.split("/", 2)
    rollout = body_of(head.fact, Rollout)
    return ShownPlace(
        environment,
        endpoint,
        rollout,
        head.digest,
        head.fact.time,
        _refused(registry, head, rollout),
        seen.get((environment, endpoint)),
    )


def _refused(registry: Registry, head: Record, rollout: Rollout) -> ServiceError | None:
    """Return why a rollout would be refused if it were judged now, None where it stands."""
    try:
        card = registry.packages.card(rollout.package)
        judge_move(
            registry.log,
            registry.root,
            registry.policy,
            move=head.digest,
            card=card,
            now_ns=registry.now_ns(),
        )
    except ServiceError as error:
        return error
    return None
