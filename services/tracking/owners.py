"""Whose runs and logged models these are: the tag this front wrote when they were made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from assay.policy import Policy
from assay.web.caller import Caller
from services.tracking.allowed import API, Entity, Kind
from services.tracking.ports import Mlflow
from services.tracking.rewriting import OWNER


@dataclass
class Owners:
    """Answers who may write to, and which run may read, a run or logged model."""

    mlflow: Mlflow
    policy: Policy
    _known: dict[Entity, str] = field(default_factory=dict)

    def require(self, caller: Caller, entities: Collection[Entity]) -> None:
        """Return when the caller owns them all, and there is at least one; raises Forbidden."""
        for owner in {self.of(entity) for entity in entities} or {""}:
            self.policy.require("tracking/own-run", caller, {"owner": owner})

    def confine(self, caller: Caller, entities: Collection[Entity]) -> None:
        """Return when the caller is no run, or owns them all: a run executes anybody's code, and meets no other."""
        if caller.identity.run is not None:
            self.require(caller, entities)

    def of(self, entity: Entity) -> str:
        """Return who made a run or logged model; it never changes, so it is asked once. Empty: nobody."""
        if entity not in self._known:
            self._known[entity] = self._asked(entity)
        return self._known[entity]

    def _asked(self, entity: Entity) -> str:
        if entity.kind is Kind.RUN:
            shown = self.mlflow.document(f"{API}/runs/get", [("run_id", entity.id)])["run"]["data"]
        else:
            shown = self.mlflow.document(f"{API}/logged-models/{entity.id}")["model"]["info"]
        return str({tag["key"]: tag["value"] for tag in shown.get("tags", [])}.get(OWNER, ""))
