"""Models and versions in MLflow's JSON, made of facts that were believed, and of drafts: tags and descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from assay.contracts import Environment, Version, body_of
from assay.custody import read_provenance
from assay.ledger import Record
from services.registry.domain import AliasRow, VersionRow, spoken_alias
from services.registry.errors import UnknownModel
from services.registry.naming import DESCRIPTION
from services.registry.ports import Notes
from services.registry.usecases import Registry

VERSION_ATTRIBUTES: Final = frozenset({"name", "version_number", "run_id", "source_path"})
VERSION_ORDERS: Final = frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"})


class Shown:
    """What an MLflow client sees. Aliases of prod go by their names, others by `dev-…` and `test-…`."""

    def __init__(self, registry: Registry, notes: Notes) -> None:
        self._registry = registry
        self._notes = notes

    def models(self) -> list[dict[str, Any]]:
        """Return every registered model, and every one that was only named."""
        names = {*self._registry.believed.models(), *self._notes.names()}
        return [self.model(name) for name in sorted(names)]

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
            "tags": _pairs(noted),
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

    def versions(self) -> list[dict[str, Any]]:
        """Return every version of every model."""
        found = []
        for name in self._registry.believed.models():
            aliases = self._registry.believed.aliases(name)
            found += [self._shown(record, aliases) for record in self._registry.believed.versions(name)]
        return found

    def version(self, name: str, number: int) -> dict[str, Any]:
        """Return one version; raises UnknownVersion."""
        return self._shown(
            self._registry.believed.version(name, number), self._registry.believed.aliases(name)
        )

    def by_alias(self, name: str, environment: Environment, alias: str) -> dict[str, Any]:
        """Return the version an alias names; raises UnknownAlias."""
        row = AliasRow.of(self._registry.believed.alias(environment, name, alias))
        return self.version(name, row.number)

    def tagged(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return a model or version with its tags as a mapping."""
        return {**shown, "tags": {tag["key"]: tag["value"] for tag in shown["tags"]}}

    def searched(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return a version as a filter sees it."""
        return {
            **self.tagged(shown),
            "version_number": int(shown["version"]),
            "source_path": shown["source"],
        }

    def _shown(self, record: Record, aliases: list[AliasRow]) -> dict[str, Any]:
        row = VersionRow.of(record)
        revoked = self._registry.log.revoked(record.digest)
        noted = dict(self._notes.notes(row.model, row.number))
        description = noted.pop(DESCRIPTION, "")
        tags = noted | {
            "assay.package": row.package,
            "assay.fact": row.fact,
            "assay.signature": row.signature,
            "assay.tier": row.tier,
            "assay.checkpoint": row.checkpoint,
        }
        return {
            "name": row.model,
            "version": str(row.number),
            "creation_timestamp": _ms(record),
            "last_updated_timestamp": _ms(record),
            "user_id": ", ".join(body_of(record.fact, Version).contributors),
            "current_stage": "None",
            "description": description,
            "source": f"mlflow-artifacts:/packages/sha256-{row.package}",
            "run_id": self._mlflow_run(row.run),
            "run_link": "",
            "status": "FAILED_REGISTRATION" if revoked else "READY",
            "status_message": f"revoked: {revoked.reason}" if revoked else "",
            "tags": _pairs(tags),
            "aliases": [spoken_alias(a.environment, a.alias) for a in aliases if a.number == row.number],
        }

    def _mlflow_run(self, run: str) -> str:
        record = self._registry.log.record(run)
        return read_provenance(record.fact).mlflow_run if record else ""


def _ms(record: Record) -> int:
    return int(datetime.fromisoformat(record.fact.time).timestamp() * 1000)


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
