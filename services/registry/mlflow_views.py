"""Models and versions in MLflow's JSON, made of facts that were believed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from assay.contracts import Environment, Version, body_of
from assay.custody import read_provenance
from assay.ledger import Record
from services.registry.domain import AliasRow, VersionRow, spoken_alias
from services.registry.usecases import Registry

VERSION_ATTRIBUTES: Final = frozenset({"name", "version_number", "run_id", "source_path"})
VERSION_ORDERS: Final = frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"})


class Shown:
    """What an MLflow client sees. Aliases of prod go by their names, others by `dev-…` and `test-…`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def models(self) -> list[dict[str, Any]]:
        """Return every registered model."""
        return [self.model(name) for name in self._registry.believed.models()]

    def model(self, name: str) -> dict[str, Any]:
        """Return one registered model; raises UnknownModel."""
        records = self._registry.believed.versions(name)
        aliases = self._registry.believed.aliases(name)
        return {
            "name": name,
            "creation_timestamp": _ms(records[0]),
            "last_updated_timestamp": _ms(records[-1]),
            "description": "",
            "latest_versions": [self._shown(records[-1], aliases)],
            "tags": [],
            "aliases": [
                {"alias": spoken_alias(row.environment, row.alias), "version": str(row.number)}
                for row in aliases
            ],
        }

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

    def searched(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return a version as a filter sees it."""
        tags = {tag["key"]: tag["value"] for tag in shown["tags"]}
        return {
            **shown,
            "tags": tags,
            "version_number": int(shown["version"]),
            "source_path": shown["source"],
        }

    def _shown(self, record: Record, aliases: list[AliasRow]) -> dict[str, Any]:
        row = VersionRow.of(record)
        revoked = self._registry.log.revoked(record.digest)
        tags = {
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
            "description": "",
            "source": f"mlflow-artifacts:/packages/sha256-{row.package}",
            "run_id": self._mlflow_run(row.run),
            "run_link": "",
            "status": "FAILED_REGISTRATION" if revoked else "READY",
            "status_message": f"revoked: {revoked.reason}" if revoked else "",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
            "aliases": [spoken_alias(a.environment, a.alias) for a in aliases if a.number == row.number],
        }

    def _mlflow_run(self, run: str) -> str:
        record = self._registry.log.record(run)
        return read_provenance(record.fact).mlflow_run if record else ""


def _ms(record: Record) -> int:
    return int(datetime.fromisoformat(record.fact.time).timestamp() * 1000)
