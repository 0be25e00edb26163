"""The chain of a version or rollout: every fact it stands on, walked and compared, nothing taken on trust.

The walk demands that neighbours agree: the version's package is the run's, the evaluation is about that
package and on rows the run was not given, the feature set's batches exist. It does not look at signatures (a
`Facts` holds verified records only), nor at bytes, assertions or policy: see `assay.custody.judging` and `verify`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from assay.contracts import (
    Alias,
    Approval,
    Body,
    DatasetBatch,
    Delegation,
    Evaluation,
    Evidence,
    Fact,
    FactKind,
    FeatureSet,
    Revocation,
    Rollout,
    Version,
    body_of,
    sha256_hex,
)
from assay.custody.errors import ChainBroken, ChainRevoked, WrongSubject
from assay.custody.facts import Facts
from assay.custody.provenance import Provenance, read_provenance
from assay.errors import BadRequest

if TYPE_CHECKING:
    from assay.ledger import Record

TRAIN: Final = "train"
TIERS: Final = ("low", "limited", "high")  # the last one is the strictest
B = TypeVar("B", bound=Body)


@dataclass(frozen=True)
class Chain:
    """Every fact reachable from a version, and from the rollout or alias that names it (`move`)."""

    version: Record
    earlier: tuple[Record, ...]  # the versions before, newest first, as far back as their tiers matter
    run: Record
    feature_sets: tuple[Record, ...]
    batches: tuple[Record, ...]
    evaluations: tuple[Record, ...]
    evidence: tuple[Record, ...] = ()
    approvals: tuple[Record, ...] = ()
    delegations: tuple[Record, ...] = ()  # those that approvals stand on
    move: Record | None = None

    @cached_property
    def body(self) -> Version:
        """The version's body."""
        return body_of(self.version.fact, Version)

    @cached_property
    def provenance(self) -> Provenance:
        """The run's body."""
        return read_provenance(self.run.fact)

    @cached_property
    def rollout(self) -> Rollout | None:
        """The rollout's body, when the chain was walked from one."""
        if self.move is None or self.move.fact.kind is not FactKind.ROLLOUT:
            return None
        return body_of(self.move.fact, Rollout)

    @cached_property
    def earlier_tiers(self) -> tuple[str, ...]:
        """The tiers earlier versions had, as far as they could be stricter."""
        return tuple(sorted({str(record.fact.body["tier"]) for record in self.earlier}))

    @cached_property
    def left(self) -> Version | None:
        """The newest earlier version of the strictest tier, when this one's is lower."""
        above = [r for r in self.earlier if _rank(r.fact.body["tier"]) > _rank(self.body.tier)]
        found = max(above, key=lambda r: (_rank(r.fact.body["tier"]), r.index), default=None)
        return None if found is None else body_of(found.fact, Version)

    @cached_property
    def contributors(self) -> frozenset[str]:
        """Everybody who had a hand in it: in the run, features and data, whoever the pipeline ran as."""
        behind = contributors_to([self.run], self.feature_sets, self.batches)
        return behind | frozenset(self.body.contributors)

    def records(self) -> tuple[Record, ...]:
        """Every record once, in log order."""
        ends = [r for r in (*self.earlier, self.version, self.run, self.move) if r is not None]
        said = (*self.approvals, *self.delegations)
        parts = (ends, self.feature_sets, self.batches, self.evaluations, self.evidence, said)
        unique = {record.digest: record for part in parts for record in part}
        return tuple(sorted(unique.values(), key=lambda record: record.index))

    def standing(self) -> tuple[Record, ...]:
        """The records that must not be revoked: all but earlier versions, which give number and tier alone."""
        before = {record.digest for record in self.earlier}
        return tuple(record for record in self.records() if record.digest not in before)

    def revocation_keys(self) -> list[str]:
        """Return what must not be revoked, 64 hex each: facts, keys, people, the run's identity, what it ran on."""
        facts = [record.digest for record in self.standing()]
        keys = [revoked_key(record.signed.keyid) for record in self.standing()]
        approvers = [record.about.rsplit("/", 1)[-1] for record in self.approvals]
        away = [body_of(record.fact, Delegation).person for record in self.delegations]
        people = [revoked_person(person) for person in sorted({*approvers, *away, *self.contributors})]
        ran_on = [
            revoked_dependency(f"{name}@{said}") for name, said in sorted(self.provenance.environment.items())
        ]
        run = revoked_identity(f"run/{self.provenance.run}")
        return list(dict.fromkeys([*facts, *keys, *people, run, *ran_on]))


def chain(facts: Facts, digest: str) -> Chain:
    """Walk from a rollout, alias or version fact.

    Raises:
        ChainBroken: a fact is missing or of another kind than the one that names it says.
        WrongSubject: neighbours speak of different things.
    """
    start = _need(facts, digest)
    if start.fact.kind is FactKind.VERSION:
        return _of_version(facts, start)
    if start.fact.kind is FactKind.ROLLOUT:
        return _of_move(facts, start, _body(start.fact, Rollout))
    if start.fact.kind is FactKind.ALIAS:
        alias = _body(start.fact, Alias)
        if alias.ended:
            raise ChainBroken(f"{start.about} was taken off there and names nothing")
        return _of_move(facts, start, alias)
    kind = start.fact.kind
    raise ChainBroken(f"{digest[:12]} is a {kind} fact; a chain starts at a rollout, alias or version")


def _of_move(facts: Facts, move: Record, body: Rollout | Alias) -> Chain:
    whole = _of_version(facts, _need(facts, body.version, FactKind.VERSION))
    version = whole.body
    said = (body.model, body.number, getattr(body, "package", version.package), move.fact.tenant)
    if said != (version.model, version.number, version.package, whole.version.fact.tenant):
        raise WrongSubject(f"{move.about} names {body.model} v{body.number}, and its version fact another")
    if move.about != _about(move.fact, body):
        raise WrongSubject(f"a fact about {move.about} speaks of another endpoint, alias or environment")
    approvals = tuple(_need(facts, digest, FactKind.APPROVAL) for digest in body.approvals)
    return Chain(
        version=whole.version,
        earlier=whole.earlier,
        run=whole.run,
        feature_sets=whole.feature_sets,
        batches=whole.batches,
        evaluations=tuple(r for r in whole.evaluations if r.digest in body.evidence),
        evidence=tuple(r for r in whole.evidence if r.digest in body.evidence),
        approvals=approvals,
        delegations=delegations_under(facts, approvals),
        move=move,
    )


def delegations_under(facts: Facts, words: Iterable[Record]) -> tuple[Record, ...]:
    """Return the delegations that people's words stand on, each once; raises ChainBroken."""
    said = [body_of(word.fact, Approval).assertion.statement.get("delegation") for word in words]
    named = dict.fromkeys(str(digest) for digest in said if digest is not None)
    return tuple(_need(facts, digest, FactKind.DELEGATION) for digest in named)


def _about(fact: Fact, body: Rollout | Alias) -> str:
    environment = fact.environment.value if fact.environment else ""
    if isinstance(body, Rollout):
        return f"endpoint/{environment}/{body.endpoint}"
    return f"alias/{environment}/{body.model}@{body.alias}"


def _of_version(facts: Facts, record: Record) -> Chain:
    version = _body(record.fact, Version)
    if record.about != f"model/{record.fact.tenant}/{version.model}":
        raise WrongSubject(f"a version of {version.model} stands in {record.about}")
    run = _need(facts, version.run, FactKind.RUN)
    provenance = read_provenance(run.fact)
    _fits_run(version, run, provenance)
    sets, batches = run_inputs(facts, run.digest)
    whole = Chain(
        version=record,
        earlier=_earlier(facts, record),
        run=run,
        feature_sets=sets,
        batches=batches,
        evaluations=_evaluations(facts, version, sets),
        evidence=_evidence(facts, version, record.fact.tenant),
    )
    if foreign := [r.about for r in whole.records() if r.fact.tenant != record.fact.tenant]:
        raise WrongSubject(f"{foreign[0]} belongs to another tenant than {version.model} v{version.number}")
    return whole


def run_inputs(facts: Facts, run: str) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Return the feature sets a run (by fact) was given, and the batches they were made of.

    Raises:
        ChainBroken: one is missing, of another kind, or there is none.
    """
    provenance = read_provenance(_need(facts, run, FactKind.RUN).fact)
    sets = tuple(_need(facts, digest, FactKind.FEATURE_SET) for digest in provenance.feature_sets)
    named = dict.fromkeys(d for s in sets for d in _body(s.fact, FeatureSet).facts)
    batches = tuple(_need(facts, digest, FactKind.BATCH) for digest in named)
    if not batches:
        raise ChainBroken(f"run {provenance.run} names no feature set with a batch of data")
    return sets, batches


def contributors_to(
    runs: Iterable[Record], sets: Iterable[Record], batches: Iterable[Record]
) -> frozenset[str]:
    """Return who had a hand in these runs, feature sets and batches: person ids."""
    found = {person for run in runs for person in read_provenance(run.fact).contributors}
    found.update(person for s in sets for person in body_of(s.fact, FeatureSet).contributors)
    found.update(person for b in batches for person in body_of(b.fact, DatasetBatch).contributors)
    return frozenset(found)


def _earlier(facts: Facts, record: Record) -> tuple[Record, ...]:
    """Return the versions before, newest first: a number is the place in this chain, and nothing else.

    The walk ends at a version of the strictest tier: what came before could not be stricter.
    """
    found: list[Record] = []
    number, tier = _numbered(record)
    at = record
    while at.fact.previous is not None and (not found or tier != TIERS[-1]):
        before = _need(facts, at.fact.previous, FactKind.VERSION)
        place, before_tier = _numbered(before)
        if number != place + 1 or before.about != record.about:
            raise _misplaced(record)
        found.append(before)
        at, number, tier = before, place, max(tier, before_tier, key=_rank)
    if at.fact.previous is None and number != 1:
        raise _misplaced(record)
    return tuple(found)


def _numbered(record: Record) -> tuple[int, str]:
    """Return a version's number and tier without reading all of it: chains of versions are long."""
    match record.fact.body:
        case {"number": int(number), "tier": str(tier)} if tier in TIERS:
            return number, tier
    raise ChainBroken(f"version {record.digest[:12]} names no number or tier")


def _misplaced(record: Record) -> WrongSubject:
    number = record.fact.body.get("number")
    return WrongSubject(f"{record.about} v{number} does not stand in that place of its chain")


def _rank(tier: object) -> int:
    return TIERS.index(str(tier))


def _fits_run(version: Version, run: Record, provenance: Provenance) -> None:
    if run.about != f"run/{provenance.run}":
        raise WrongSubject(f"the provenance of run {provenance.run} stands in {run.about}")
    if provenance.packages.get(version.checkpoint) != version.package:
        what = f"package {version.package[:12]} at checkpoint {version.checkpoint!r}"
        raise WrongSubject(f"run {provenance.run} made no {what}")
    if provenance.model != version.model:
        raise WrongSubject(f"run {provenance.run} made {provenance.model}, not {version.model}")


def _evaluations(facts: Facts, version: Version, sets: Sequence[Record]) -> tuple[Record, ...]:
    about = f"evaluation/{version.package}"
    found = [r for r in facts.records(FactKind.EVALUATION, about) if r.about == about]
    return tuple(record for record in found if _evaluates(record, version, sets))


def _evidence(facts: Facts, version: Version, tenant: str) -> tuple[Record, ...]:
    """Return every typed statement about the package, older ones of a type too; another tenant's are not ours."""
    found = facts.records(FactKind.EVIDENCE, f"evidence/{version.package}/")
    said = [(record, _body(record.fact, Evidence)) for record in found if record.fact.tenant == tenant]
    return tuple(
        record
        for record, body in said
        if body.package == version.package and record.about == f"evidence/{body.package}/{body.type}"
    )


def _evaluates(record: Record, version: Version, sets: Sequence[Record]) -> bool:
    """Say whether an evaluation is about this package and run, on rows the run was not given."""
    evaluation = _body(record.fact, Evaluation)
    splits = {s.digest: _body(s.fact, FeatureSet).splits for s in sets}.get(evaluation.feature_set)
    if (evaluation.package, evaluation.run) != (version.package, version.run) or splits is None:
        return False
    trained_on = {digests.get(TRAIN) for digests in (_body(s.fact, FeatureSet).splits for s in sets)}
    return evaluation.rows in splits.values() and evaluation.rows not in trained_on


def revoked_identity(identity: str) -> str:
    """Return what a revocation of an identity names: its SPIFFE path without the leading slash."""
    return sha256_hex(f"identity/{identity}".encode())


def revoked_dependency(release: str) -> str:
    """Return what a revocation of a dependency names: `name@version`, as a run's environment lists it."""
    return sha256_hex(f"dependency/{release}".encode())


def revoked_key(keyid: str) -> str:
    """Return what a revocation of a key names."""
    return sha256_hex(f"key/{keyid}".encode())


def revoked_person(person: str) -> str:
    """Return what a revocation of a person names."""
    return sha256_hex(f"person/{person}".encode())


class Revocations(Protocol):
    """Who knows what was revoked: every `Facts`, and a follower."""

    def revoked(self, digest: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        ...


def revocation_of(known: Revocations, record: Record) -> Revocation | None:
    """Return why a fact no longer counts, if so: it was revoked, or the key that signed it was."""
    return known.revoked(record.digest) or known.revoked(revoked_key(record.signed.keyid))


def require_unrevoked(facts: Facts, keys: Iterable[str], what: str) -> None:
    """Raise ChainRevoked when any of these digests is revoked."""
    for key in keys:
        if revocation := facts.revoked(key):
            raise ChainRevoked(f"{what}: {revocation.what} was revoked: {revocation.reason}", revoked=key)


def _need(facts: Facts, digest: str, kind: FactKind | None = None) -> Record:
    record = facts.record(digest)
    if record is None:
        raise ChainBroken(f"the chain names fact {digest[:12]}, which is not in the log")
    if kind is not None and record.fact.kind is not kind:
        raise ChainBroken(
            f"the chain names {digest[:12]} as a {kind} fact, and it is a {record.fact.kind} fact"
        )
    return record


def _body(fact: Fact, kind: type[B]) -> B:
    try:
        return body_of(fact, kind)
    except BadRequest as error:
        raise ChainBroken(error.detail) from error
