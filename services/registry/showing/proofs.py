"""Each piece of evidence of a version: good, bad or grey, in words, and where it came from.

Grey is what is missing or stale: it satisfies nothing. What a piece is worth for an
environment is what that environment's gate says of it; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from assay.contracts import Evaluation, Evidence, Revocation, body_of
from assay.custody import Chain
from assay.custody.chain import chain, revocation_of
from assay.custody.shown import stale_at
from assay.ledger import Record
from services.registry.showing.gates import ShownGate
from services.registry.usecases import Registry

State = Literal["good", "bad", "grey"]
WORDS: Final[Mapping[str, str]] = {
    "run": "Provenance of the run",
    "signature": "Signature of the package",
    "card": "Card in the package",
    "evaluation": "Evaluation on held-out rows",
    "fairness": "Fairness between groups",
    "robustness": "Robustness under noise and gaps",
    "privacy": "What it gives away of its rows",
    "scan": "Scan of the package",
    "data": "Tags and origin of the data",
    "sbom": "Bill of materials",
    "model-card": "Model card, written by people",
    "risk-record": "Risk record, written by people",
}
IN_THE_PACKAGE: Final = ("run", "signature", "card")


@dataclass(frozen=True)
class Piece:
    """One piece of evidence. `by` says it (a person's id or a service), `signed_by` whose key is on the fact.

    `wanted` names the environments whose gates ask for it and do not find it; `figures` are (name, value).
    """

    kind: str
    state: State
    words: str
    by: str = ""
    signed_by: str = ""
    digest: str = ""
    time: str = ""
    figures: tuple[tuple[str, float], ...] = ()
    derived_from: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()

    @property
    def has_document(self) -> bool:
        """Whether a document stands behind it that has a page of its own."""
        return self.kind not in {*IN_THE_PACKAGE, "evaluation"} and bool(self.digest) and not self.revoked

    @property
    def revoked(self) -> bool:
        """Whether it was revoked."""
        return self.words.startswith("revoked: ")

    @property
    def title(self) -> str:
        """What it is, for people."""
        return WORDS.get(self.kind, self.kind)


def pieces_shown(registry: Registry, model: str, number: int, gates: list[ShownGate]) -> list[Piece]:
    """Return every kind of evidence there can be, in the order of `WORDS`; raises UnknownVersion."""
    record = registry.believed.version(model, number)
    whole = chain(registry.log, record.digest)
    stated = {r.fact.body["type"]: r for r in whole.evidence}  # the newest of each type
    found = [_of_package(registry, whole, kind) for kind in IN_THE_PACKAGE]
    found += [_measured(registry, one, gates) for one in whole.evaluations] or [_missing("evaluation", gates)]
    for kind in WORDS:
        if kind not in {*IN_THE_PACKAGE, "evaluation"}:
            said = stated.get(kind)
            found.append(_stated(registry, said, gates) if said is not None else _missing(kind, gates))
    return found


def _of_package(registry: Registry, whole: Chain, kind: str) -> Piece:
    version, made = whole.version, whole.run
    if kind == "run":
        return Piece(
            kind,
            *_standing(revocation_of(registry.log, made), "the run's own process signed it"),
            by=whole.provenance.builder.rpartition("/")[2],
            signed_by=_signer(registry, made),
            digest=made.digest,
            time=made.fact.time,
        )
    if kind == "signature":
        digest, words, by = whole.body.signature, "every byte is signed, and checked on each read", "registry"
    else:
        digest = registry.packages.card(whole.body.package)
        words, by = "the package says what it is for and what not", "training"
    state = _standing(revocation_of(registry.log, version), words)
    return Piece(kind, *state, by=by, digest=digest, time=version.fact.time)


def _measured(registry: Registry, record: Record, gates: list[ShownGate]) -> Piece:
    body = body_of(record.fact, Evaluation)
    failed = _failed("evaluation", gates)
    good = "measured on rows the run was not given"
    return Piece(
        "evaluation",
        *_standing(revocation_of(registry.log, record), good, failed),
        by="evaluator",
        signed_by=_signer(registry, record),
        digest=record.digest,
        time=record.fact.time,
        figures=tuple(sorted(body.metrics.items())),
        derived_from=(body.feature_set,),
    )


def _stated(registry: Registry, record: Record, gates: list[ShownGate]) -> Piece:
    body = body_of(record.fact, Evidence)
    end = stale_at(body)
    stale = end is not None and end <= registry.now_ns()
    failed = _failed(body.type, gates) or _findings(body)
    state, words = _standing(revocation_of(registry.log, record), "stated and in force", failed)
    if stale and state == "good":
        state, words = "grey", "stale: it was to count no longer than stated"
    return Piece(
        body.type,
        state,
        words,
        by=body.by,
        signed_by=_signer(registry, record),
        digest=record.digest,
        time=record.fact.time,
        figures=tuple(sorted(body.figures.items())),
        derived_from=body.facts,
        wanted=_wanted(body.type, gates),
    )


def _missing(kind: str, gates: list[ShownGate]) -> Piece:
    return Piece(kind, "grey", "nobody has stated it", wanted=_wanted(kind, gates))


def _standing(revoked: Revocation | None, good: str, failed: str = "") -> tuple[State, str]:
    if revoked is not None:
        return "bad", f"revoked: {revoked.reason}"
    return ("bad", failed) if failed else ("good", good)


def _findings(body: Evidence) -> str:
    count = body.figures.get("findings", 0)
    return f"{count:.0f} findings" if count else ""


def _failed(kind: str, gates: list[ShownGate]) -> str:
    """Return what the gates measured of a kind and found outside its bound."""
    said = [
        f"{gate.environment.value}: {entry['what']}"
        for gate in gates
        for entry in gate.missing
        if entry.get("state") == "fail" and entry["what"].rpartition(" in every ")[2] == kind
    ]
    return "outside its bound for " + "; ".join(said) if said else ""


def _wanted(kind: str, gates: list[ShownGate]) -> tuple[str, ...]:
    asked = f"verified evidence of kind {kind}"
    return tuple(g.environment.value for g in gates if any(entry["what"] == asked for entry in g.missing))


def _signer(registry: Registry, record: Record) -> str:
    """Return whose key the root lists for the signature: the name of a service."""
    return registry.root.signer_for(record.fact, record.signed.keyid, record.index).identity.rpartition("/")[
        2
    ]
