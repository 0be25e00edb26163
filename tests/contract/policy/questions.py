"""Questions made up from a seed: most are nearly right, some are nonsense."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

ODD: Sequence[Any] = (
    None,
    True,
    False,
    0,
    -1,
    0.5,
    10**18,
    "",
    "x",
    'é\u2028"\\',
    [],
    {},
    [None],
    {"a": {"b": []}},
    ["*"],
)
ROLES = ("administrator", "approver", "data-scientist", "founder", "operator", "risk", "*", "")
SERVICES = (
    "evaluator",
    "features",
    "ledger",
    "opa",
    "registry",
    "serving",
    "tracking",
    "training",
    "witness",
    "nonesuch",
)
PEOPLE = ("p-ada", "p-amir", "p-bea", "p-dana")
DIGEST = "ab" * 32
NOW = 1_795_000_000_000_000_000


def authz(chance: random.Random, actions: Sequence[str]) -> dict[str, Any]:
    """Return a question of who may do what."""
    action = chance.choice([*actions, "registry/nonesuch", "", "*"])
    subject = chance.choice([_person, _service, _service, _run, _predictor])(chance, actions)
    resource: dict[str, Any] = chance.choice(
        [
            {},
            {"run": "run-1"},
            {"path": {chance.choice(["id", "run", "run_id", "name"]): chance.choice(["run-1", "run-2"])}},
            {"owner": chance.choice([subject["identity"], *PEOPLE, "spiffe://assay.demo/run/run-1"])},
            {"owners": [subject["identity"], chance.choice(PEOPLE)]},
        ]
    )
    return _spoilt(
        chance,
        {
            "subject": subject | _placed(chance),
            "action": action,
            "resource": {**resource, **_described(chance)},
            "context": {"time_ns": NOW + chance.choice([0, 0, 0, 400, 2000]) * 10**9}
            | _circumstances(chance),
        },
    )


def _placed(chance: random.Random) -> dict[str, Any]:
    """Return in which tenant, and since when."""
    tenant = chance.choice([*["demo"] * 8, "acme", ""])
    return {
        "tenant": tenant,
        "platform": tenant == "demo",
        "signed_in_ns": chance.choice([None, *[NOW] * 8, NOW - 10**11]),
    }


def _described(chance: random.Random) -> dict[str, Any]:
    """Return what a resource is, as far as its facts say."""
    kept: dict[str, Any] = {
        "tenant": chance.choice(["demo", "demo", "acme", None]),
        "environment": chance.choice(["dev", "prod", "prod"]),
        "tier": chance.choice(["low", "limited", "high"]),
        "classification": chance.choice(["internal", "internal", "personal"]),
        "purposes": chance.choice([[], [], ["research"], ["credit-scoring", "research"]]),
        "regions": chance.choice([[], [], ["eu"], ["eu", "us"], ["moon"]]),
        "projects": chance.choice([[], ["credit"], ["credit", "fraud"], None, "credit", 1]),
    }
    return {name: value for name, value in kept.items() if chance.random() < 0.06}


def _circumstances(chance: random.Random) -> dict[str, Any]:
    kept = {"purpose": chance.choice(["research", "marketing"]), "region": chance.choice(["eu", "us"])}
    return {name: value for name, value in kept.items() if chance.random() < 0.7}


def gate(chance: random.Random) -> dict[str, Any]:
    """Return a question of what may go where."""
    return _spoilt(
        chance,
        {
            "model": "credit-default",
            "number": chance.randrange(1, 9),
            "tier": chance.choice(["low", "limited", "high", "none"]),
            "environment": chance.choice(["dev", "test", "prod", "prod", "staging"]),
            "evidence": [
                _evidence(chance, kind) for kind in _most(chance, ("run", "signature", "card", "evaluation"))
            ],
            "approvals": [_approval(chance) for _ in range(chance.randrange(5))],
            "contributors": [*chance.sample(PEOPLE, chance.randrange(3)), "spiffe://assay.demo/people/p-eve"],
            "earlier": chance.choice([[], [], ["low"], ["low", "limited"], ["high"], ["none"]]),
            "endpoint": chance.choice([None, "credit", "credit", "cards"]),
            "time_ns": NOW + chance.randrange(3),
            "now_ns": NOW + chance.randrange(3),
        },
    )


def _person(chance: random.Random, _: Sequence[str]) -> dict[str, Any]:
    person = chance.choice(PEOPLE)
    return _subject("person", f"/people/{person}", person=person, roles=_most(chance, ROLES, 0.4))


def _service(chance: random.Random, actions: Sequence[str]) -> dict[str, Any]:
    name = chance.choice(SERVICES)
    subject = _subject("service", f"/svc/core/{name}", service=name)
    if chance.random() < 0.5:
        listed = chance.sample(actions, len(actions) - chance.randrange(len(actions)))
        grant = {
            "person": chance.choice(PEOPLE),
            "roles": _most(chance, ROLES, 0.6),
            "grant": {"actions": listed},
        }
        return subject | grant
    return subject


def _run(chance: random.Random, _: Sequence[str]) -> dict[str, Any]:
    name = chance.choice(["run-1", "run-2"])
    return _subject("run", f"/run/{name}", run=name)


def _predictor(chance: random.Random, _: Sequence[str]) -> dict[str, Any]:
    environment = chance.choice(["dev", "prod"])
    path = f"/svc/{environment}/predictor/credit"
    return _subject("predictor", path, environment=environment, endpoint="credit")


def _subject(kind: str, path: str, **known: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    nothing = dict.fromkeys(("service", "run", "endpoint", "environment", "person", "grant"))
    return nothing | {"identity": f"spiffe://assay.demo{path}", "kind": kind, "roles": []} | known


def _evidence(chance: random.Random, kind: str) -> dict[str, Any]:
    metrics = {
        "auc": chance.uniform(0.6, 0.9),
        "ece": chance.uniform(0, 0.12),
        "n": chance.randrange(100, 9000),
    }
    return _spoilt(
        chance, {"kind": kind, "digest": DIGEST, "metrics": metrics, "verified": chance.random() < 0.95}
    )


def _approval(chance: random.Random) -> dict[str, Any]:
    role = chance.choice(["approver", "approver", "risk"])
    approval = {"person": chance.choice(PEOPLE), "role": role, "roles": ["approver", role], "valid": True}
    if chance.random() < 0.6:
        approval["expires_ns"] = 1_795_000_000_000_000_001 + chance.randrange(2)
    if chance.random() < 0.1:
        approval["not_before_ns"] = 1_795_000_000_000_000_001
    if chance.random() < 0.2:
        limits = [[], {}, {"max_share": 0.1}, {"endpoints": ["cards", "credit"]}, {"endpoints": ["cards"]}]
        ends = [{"until": NOW // 10**9 + each} for each in (0, 1)]
        approval["conditions"] = _spoilt(chance, chance.choice([{}, {"endpoints": ["credit"]}, *ends]))
        approval["conditions"] = chance.choice([approval["conditions"], *limits])
        approval["ends"] = "then"
    return _spoilt(chance, approval)


def _most(chance: random.Random, things: Sequence[str], share: float = 0.9) -> list[str]:
    return [thing for thing in things if chance.random() < share]


def _spoilt(chance: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document, one time in eight with a member that is odd or missing."""
    if document and chance.random() < 1 / 8:
        name = chance.choice(list(document))
        if chance.random() < 0.5:
            return {key: value for key, value in document.items() if key != name}
        inner = document[name]
        if isinstance(inner, dict) and inner and chance.random() < 0.7:
            return document | {name: inner | {chance.choice(list(inner)): chance.choice(ODD)}}
        return document | {name: chance.choice(ODD)}
    return document
