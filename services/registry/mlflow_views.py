"""Models and versions in MLflow's JSON, made of facts that were believed, and of drafts: tags and descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from assay.contracts import Environment, Revocation, Version, body_of
from assay.custody import read_provenance
from assay.ledger import Record
from services.registry.catalogue import Entry
from services.registry.domain import AliasRow, VersionRow, spoken_alias
from services.registry.errors import UnknownModel
from services.registry.naming import DESCRIPTION
from services.registry.ports import Notes
from services.registry.usecases import Registry


class Shown:
    """What an MLflow client sees. Aliases of prod go by their names, others by `dev-…` and `test-…`."""

    def __init__(self, registry: Registry, notes: Notes) -> None:
        self._registry = registry
        self._notes = notes

    def model(self, name: str) -> dict[str, Any]:
        """Return one registered model; raises UnknownModel."""
        records = self._records(name)
        aliases = self._registry.believed.aliases(name)
        noted = dict(self._notes.notes(name, 0))
        return {
            "name": name,
            "creation_timestamp": _ms(records[0]) if records else 0,
            "last_updated_timestamp": _ms(records[-1]) if records else 0,
            "description": noted.pop(DESCRIPTION, ""),
            "latest_versions": [self._shown(record, aliases) for record in records[-1:]],
            "tags": pairs(noted),
            "aliases": [
                {"alias": spoken_alias(row.environment, row.alias), "version": str(row.number)}
                for row in aliases
            ],
        }

    def _records(self, name: str) -> list[Record]:
        """Return a model's versions; none where it was only named."""
        try:
            return self._registry.believed.versions(name)
        except UnknownModel:
            if DESCRIPTION not in self._notes.notes(name, 0):
                raise
            return []

    def version(self, name: str, number: int) -> dict[str, Any]:
        """Return one version; raises UnknownVersion."""
        return self._shown(
            self._registry.believed.version(name, number), self._registry.believed.aliases(name)
        )

    def by_alias(self, name: str, environment: Environment, alias: str) -> dict[str, Any]:
        """Return the version an alias names; raises UnknownAlias."""
        row = AliasRow.of(self._registry.believed.alias(environment, name, alias))
        return self.version(name, row.number)

    def _shown(self, record: Record, aliases: list[AliasRow]) -> dict[str, Any]:
        row = VersionRow.of(record)
        entry = Entry(
            record=record,
            row=row,
            ms=_ms(record),
            mlflow_run=self._mlflow_run(row.run),
            contributors=", ".join(body_of(record.fact, Version).contributors),
            order=(0, row.model, row.number),
        )
        spoken = [spoken_alias(a.environment, a.alias) for a in aliases if a.number == row.number]
        noted = self._notes.notes(row.model, row.number)
        return version_shown(entry, noted, spoken, self._registry.log.revoked(record.digest))

    def _mlflow_run(self, run: str) -> str:
        record = self._registry.log.record(run)
        return read_provenance(record.fact).mlflow_run if record else ""


def _ms(record: Record) -> int:
    return int(datetime.fromisoformat(record.fact.time).timestamp() * 1000)


def version_shown(
    entry: Entry, noted: Mapping[str, str], aliases: Sequence[str], revoked: Revocation | None
) -> dict[str, Any]:
    """Return a version as MLflow spells one: what its facts say, what was noted of it, and what it is called."""
    row = entry.row
    tags = {key: value for key, value in noted.items() if key != DESCRIPTION} | {
        "assay.package": row.package,
        "assay.fact": row.fact,
        "assay.signature": row.signature,
        "assay.tier": row.tier,
        "assay.checkpoint": row.checkpoint,
    }
    return {
        "name": row.model,
        "version": str(row.number),
        "creation_timestamp": entry.ms,
        "last_updated_timestamp": entry.ms,
        "user_id": entry.contributors,
        "current_stage": "None",
        "description": noted.get(DESCRIPTION, ""),
        "source": f"mlflow-artifacts:/packages/sha256-{row.package}",
        "run_id": entry.mlflow_run,
        "run_link": "",
        "status": "FAILED_REGISTRATION" if revoked else "READY",
        "status_message": f"revoked: {revoked.reason}" if revoked else "",
        "tags": pairs(tags),
        "aliases": list(aliases),
    }


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as MLflow spells them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
