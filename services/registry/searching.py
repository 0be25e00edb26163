"""Searching models and versions as MLflow's clients ask: only what a page shows is made, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from services.registry import filters
from services.registry.catalogue import Catalogue, Entry
from services.registry.domain import spoken_alias
from services.registry.filters import PROMPT, Clause
from services.registry.mlflow_views import pairs, version_shown
from services.registry.naming import DESCRIPTION
from services.registry.ports import Notes
from services.registry.usecases import Registry

VERSION_ATTRIBUTES: Final = frozenset({"name", "version_number", "run_id", "source_path"})
VERSION_ORDERS: Final = frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"})
MODEL_ORDERS: Final = frozenset({"name", "creation_timestamp", "last_updated_timestamp"})
_FACTS: Final = {
    "assay.package": "package",
    "assay.fact": "fact",
    "assay.signature": "signature",
    "assay.tier": "tier",
    "assay.checkpoint": "checkpoint",
}
Page = tuple[list[dict[str, Any]], str]


class Searching:
    """Pages of models and versions."""

    def __init__(self, registry: Registry, catalogue: Catalogue, notes: Notes) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._notes = notes

    def versions(self, text: str | None, order_by: Sequence[str], size: int, token: str | None) -> Page:
        """Return one page of versions and the token of the next ("" at the end); raises BadFilter."""
        clauses = [one for one in filters.clauses(text, VERSION_ATTRIBUTES) if not _about_prompts(one)]
        entries, rest = self._candidates(clauses)
        fits = [self._test(one) for one in rest]
        found: Iterable[Entry] = (e for e in entries if all(fit(e) for fit in fits)) if fits else entries
        if order_by:
            found = filters.ordered(found, order_by, VERSION_ORDERS, _of_entry)
        page, next_token = filters.paged(found, size=size, token=token)
        return self._shown(page), next_token

    def models(self, text: str | None, order_by: Sequence[str], size: int, token: str | None) -> Page:
        """Return one page of models, by name, and the token of the next; raises BadFilter."""
        clauses = [one for one in filters.clauses(text, {"name"}) if not _about_prompts(one)]
        named = self._notes.names()
        names: list[str] = sorted({*self._catalogue.names(), *named}) if named else self._catalogue.names()
        for one in clauses:
            noted = self._notes.noted(one.key) if one.tag else {}
            names = [name for name in names if one.holds(noted.get((name, 0)) if one.tag else name)]
        found: Iterable[str] = names
        if order_by:
            found = filters.ordered(names, order_by, MODEL_ORDERS, self._of_model)
        page, next_token = filters.paged(found, size=size, token=token)
        return self._models_shown(page), next_token

    def _candidates(self, clauses: Sequence[Clause]) -> tuple[Iterable[Entry], list[Clause]]:
        """Return the entries that names or runs leave, and the clauses that are still to be tried."""
        for one in clauses:
            if not one.tag and one.key == "run_id" and one.op == "=":
                return self._catalogue.listed(run=str(one.value)), [c for c in clauses if c is not one]
        of_names = [one for one in clauses if not one.tag and one.key == "name"]
        rest = [one for one in clauses if one not in of_names]
        if not of_names:
            return self._catalogue.listed(), rest
        return self._catalogue.listed(name=lambda name: all(one.holds(name) for one in of_names)), rest

    def _test(self, one: Clause) -> Callable[[Entry], bool]:
        if not one.tag:
            return lambda entry: one.holds(_of_entry(entry, one.key))
        if one.key in _FACTS:
            member = _FACTS[one.key]
            return lambda entry: one.holds(getattr(entry.row, member))
        noted = self._notes.noted(one.key)
        return lambda entry: one.holds(noted.get((entry.row.model, entry.row.number)))

    def _shown(self, page: Sequence[Entry]) -> list[dict[str, Any]]:
        noted = self._notes.notes_of({(e.row.model, e.row.number) for e in page})
        aliases = {e.row.model: self._catalogue.aliases(e.row.model) for e in page}
        return [
            version_shown(
                entry,
                noted.get((entry.row.model, entry.row.number), {}),
                [
                    spoken_alias(*a)
                    for a, n in sorted(aliases[entry.row.model].items())
                    if n == entry.row.number
                ],
                self._registry.log.revoked(entry.row.fact),
            )
            for entry in page
        ]

    def _models_shown(self, names: Sequence[str]) -> list[dict[str, Any]]:
        noted = self._notes.notes_of({(name, 0) for name in names})
        ends = {name: found for name in names if (found := self._catalogue.ends(name))}
        newest = {one["name"]: one for one in self._shown([newest for _, newest in ends.values()])}
        return [
            {
                "name": name,
                "creation_timestamp": ends[name][0].ms if name in ends else 0,
                "last_updated_timestamp": ends[name][1].ms if name in ends else 0,
                "description": noted.get((name, 0), {}).get(DESCRIPTION, ""),
                "latest_versions": [newest[name]] if name in ends else [],
                "tags": pairs({k: v for k, v in noted.get((name, 0), {}).items() if k != DESCRIPTION}),
                "aliases": [
                    {"alias": spoken_alias(*spelled), "version": str(number)}
                    for spelled, number in sorted(self._catalogue.aliases(name).items())
                ],
            }
            for name in names
        ]

    def _of_model(self, name: str, key: str) -> str | int:
        ends = self._catalogue.ends(name)
        if key == "name":
            return name
        return ends[0 if key == "creation_timestamp" else 1].ms if ends else 0


def _of_entry(entry: Entry, key: str) -> str | int:
    """Return an attribute of a version by MLflow's name."""
    match key:
        case "name":
            return entry.row.model
        case "version_number":
            return entry.row.number
        case "run_id":
            return entry.mlflow_run
        case "source_path":
            return f"mlflow-artifacts:/packages/sha256-{entry.row.package}"
    return entry.ms


def _about_prompts(clause: Clause) -> bool:
    """Say whether a clause only leaves prompts out, of which there are none."""
    return clause.tag and clause.key == PROMPT and clause.holds(None)
