"""What changed since a version that was approved, in the order approvers ask: tier and measures first, policy last.

Both sides are chains of facts; nothing is read from tables. What is the same on both sides is counted and left out,
but for measures, whose figures are always shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.contracts import (
    Alias,
    DatasetBatch,
    Environment,
    Evaluation,
    FactKind,
    FeatureSet,
    PolicyActivated,
    Rollout,
    body_of,
)
from assay.custody import Chain
from assay.custody.chain import TIERS, chain
from assay.custody.judging import standing_now
from assay.ledger import Record
from services.registry.usecases import Registry

HIGHER: Final = frozenset({"auc", "f1", "accuracy", "precision", "recall"})
LOWER: Final = frozenset({"brier", "ece", "false_positive_rate"})
SHORT: Final = 12  # characters of a digest
Lines = Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One line: what it was and what it is, None where there is nothing; `better` where that can be said."""

    what: str
    before: str | None
    now: str | None
    better: bool | None = None

    @property
    def word(self) -> str:
        """Say in a word what happened."""
        if self.before is None or self.now is None:
            return "added" if self.before is None else "removed"
        return "same" if self.before == self.now else "changed"


@dataclass(frozen=True)
class Section:
    """The lines of one subject that changed, and those that are the same."""

    title: str
    changes: tuple[Change, ...]
    same: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """The version compared with, why it is that one, and the policy that judged it, at which entry of the log.

    `policy` is "" and `index` that of the version where nothing judged it.
    """

    chain: Chain
    why: str
    index: int
    policy: str = ""

    @property
    def number(self) -> int:
        """The version's number."""
        return self.chain.body.number


def baseline(registry: Registry, model: str, number: int, environment: Environment) -> Baseline | None:
    """Return the other version that entered an environment last and was not revoked since; None without one.

    What entered was judged by a gate; an alias that everybody may move (`@challenger`) says no policy, and lets
    nothing in.
    """
    for move in _moves(registry, model, environment):
        body = _moved(move)
        if body.number != number and registry.log.revoked(body.version) is None:
            why = f"the last other version that entered {environment.value}, as {_place(move)}"
            return Baseline(_whole(registry, body.version), why, move.index, body.policy)
    return None


def against(registry: Registry, model: str, number: int) -> Baseline:
    """Return a version somebody chose to compare with; raises UnknownVersion."""
    record = registry.believed.version(model, number)
    return Baseline(_whole(registry, record.digest), "the version you chose", record.index)


def compared(registry: Registry, model: str, number: int, before: Baseline) -> list[Section]:
    """Return what changed from a baseline to a version; raises UnknownVersion."""
    was, now = before.chain, _whole(registry, registry.believed.version(model, number).digest)
    subjects: tuple[tuple[str, Callable[[Chain], Lines]], ...] = (
        ("Data", _data),
        ("Features", _features),
        ("Code and parameters", _code),
        ("Dependencies", _dependencies),
        ("People who contributed", _people),
        ("Evidence", _evidence),
    )
    found = [_section(title, lines(was), lines(now)) for title, lines in subjects]
    return [_tier(was, now), _measures(was, now), *found, _policy(registry, before)]


def newest_evaluation(whole: Chain) -> Evaluation | None:
    """Return what was measured last and stands."""
    return body_of(whole.evaluations[-1].fact, Evaluation) if whole.evaluations else None


def _whole(registry: Registry, version: str) -> Chain:
    return standing_now(registry.log, chain(registry.log, version))


def _moves(registry: Registry, model: str, environment: Environment) -> list[Record]:
    """Return the moves of a model through the gate of an environment, newest first."""
    log = registry.log
    aliases = log.records(FactKind.ALIAS, f"alias/{environment.value}/{model}@")
    rollouts = log.records(FactKind.ROLLOUT, f"endpoint/{environment.value}/")
    judged = [record for record in aliases if record.fact.body["policy"]]
    found = [*judged, *(record for record in rollouts if record.fact.body["model"] == model)]
    return sorted(found, key=lambda record: record.index, reverse=True)


def _moved(move: Record) -> Alias | Rollout:
    if move.kind is FactKind.ALIAS:
        return body_of(move.fact, Alias)
    return body_of(move.fact, Rollout)


def _place(move: Record) -> str:
    name = move.about.rpartition("/")[2]
    return f"@{name.rpartition('@')[2]}" if move.kind is FactKind.ALIAS else f"endpoint {name}"


# ---- subjects


def _tier(was: Chain, now: Chain) -> Section:
    """Return the risk tier, first of all: a lowered one is worse, whatever else got better."""
    old, new = was.body.tier, now.body.tier
    better = None if old == new else TIERS.index(new) > TIERS.index(old)
    return _sorted("Risk tier", [Change("tier", old, new, better)])


def _measures(was: Chain, now: Chain) -> Section:
    before, after = newest_evaluation(was), newest_evaluation(now)
    old, new = (before.metrics if before else {}), (after.metrics if after else {})
    return _sorted("Measures", [_measure(name, old, new) for name in sorted({*old, *new}, key=_rank)])


def _measure(name: str, old: Mapping[str, float], new: Mapping[str, float]) -> Change:
    before, now = old.get(name), new.get(name)
    better = None
    if before is not None and now is not None and before != now and name in HIGHER | LOWER:
        better = (now > before) is (name in HIGHER)
    return Change(name, _figure(before), _figure(now), better)


def _rank(name: str) -> tuple[bool, str]:
    return name not in HIGHER | LOWER, name


def _figure(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4g}"


def _data(whole: Chain) -> Lines:
    found: dict[str, str] = {}
    for body in (body_of(record.fact, DatasetBatch) for record in whole.batches):
        name = f"{body.dataset} {body.batch}"
        found[name] = f"{body.rows:,} rows, {body.quarantined:,} in quarantine, from {body.source}"
        found |= {f"{body.dataset}.{c} is tagged": ", ".join(sorted(t)) for c, t in body.tags.items() if t}
        found |= {f"{name}, purposes": ", ".join(body.purposes)} if body.purposes else {}
        found |= {f"{name}, region": body.region} if body.region else {}
    return found


def _features(whole: Chain) -> Lines:
    found: dict[str, str] = {}
    for body in (body_of(record.fact, FeatureSet) for record in whole.feature_sets):
        found[f"view {body.view}, definition"] = body.definition[:SHORT]
        found |= {f"rows in {split}": f"{count:,}" for split, count in body.rows.items()}
        found |= {name: f"feature {place} of {body.view}" for place, name in enumerate(body.features, 1)}
        found |= {f"{name} is tagged": ", ".join(sorted(tags)) for name, tags in body.tags.items() if tags}
        found |= {f"purpose of {body.view}": body.purpose} if body.purpose else {}
        found["as of"] = ", ".join(body.as_of)
    return found


def _code(whole: Chain) -> Lines:
    run = whole.provenance
    files = {path: f"sha256 {digest[:SHORT]}" for path, digest in run.source.items()}
    said = {f"parameter {name}": json.dumps(value, sort_keys=True) for name, value in run.parameters.items()}
    seeds = {f"seed {name}": str(value) for name, value in run.seeds.items()}
    return {"entry": run.entry, **files, **said, **seeds}


def _dependencies(whole: Chain) -> Lines:
    return whole.provenance.environment


def _people(whole: Chain) -> Lines:
    return dict.fromkeys(sorted(whole.contributors), "contributed")


def _evidence(whole: Chain) -> Lines:
    return {record.fact.body["type"]: "stated" for record in whole.evidence}


def _policy(registry: Registry, before: Baseline) -> Section:
    """Return the revisions that judged then and judge now, and each activation in between with who signed it."""
    judged = {"in force": before.policy[:SHORT]} if before.policy else {}
    now = {"in force": registry.log.policy_revision()[:SHORT]}
    for record in registry.log.records(FactKind.POLICY):
        if record.index > before.index:
            body = body_of(record.fact, PolicyActivated)
            signed = ", ".join(assertion.person for assertion in body.assertions)
            now[f"activated {record.fact.time[:16]}"] = f"{body.revision[:SHORT]}, signed by {signed}"
    return _section("Policy", judged, now)


def _section(title: str, before: Lines, now: Lines) -> Section:
    return _sorted(title, [Change(what, before.get(what), now.get(what)) for what in _together(before, now)])


def _sorted(title: str, lines: list[Change]) -> Section:
    same = tuple(line for line in lines if line.word == "same")
    return Section(title, tuple(line for line in lines if line.word != "same"), same)


def _together(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Return every line's name once: those of now in their order, then those that are gone."""
    return list(dict.fromkeys([*now, *before]))
