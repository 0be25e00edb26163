"""The look ahead of a revocation: it names what the revocation then really stops, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.contracts import FactKind, sha256_hex
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.custody.signing import KEY, keyid
from assay.errors import ServiceError
from services.registry.errors import UnknownFact
from services.registry.revoking import BlastRadius, Revoking
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD, Desk
from tests.unit.registry.test_delegating import hand_on


@pytest.fixture
def live(registered: Desk) -> Desk:
    """Version 1 approved, at @champion and rolled out; version 2, of another run on other data, only registered."""
    registered.approved()
    registered.promote()
    judgement = registered.registry.judged(MODEL, 1, PROD)
    registered.world.rollout(judgement)
    registered.trained(run="run-2")
    registered.register(run="run-2")
    return registered


def preview(desk: Desk, revokes: str, what: str = "fact") -> BlastRadius:
    return Revoking(desk.registry).preview(revokes, what=what)


def named(desk: Desk, what: str) -> BlastRadius:
    return preview(desk, sha256_hex(what.encode()), what)


def only(desk: Desk, kind: FactKind) -> str:
    return desk.world.follower.records(kind)[0].digest


TARGETS: dict[str, Callable[[Desk], tuple[str, str]]] = {
    "an approval": lambda desk: (only(desk, FactKind.APPROVAL), "approval"),
    "a version": lambda desk: (only(desk, FactKind.VERSION), "version"),
    "a batch": lambda desk: (only(desk, FactKind.BATCH), "batch"),
    "a run": lambda desk: (only(desk, FactKind.RUN), "run"),
    "an evaluation": lambda desk: (only(desk, FactKind.EVALUATION), "evaluation"),
    "the key of packages": lambda desk: _named(f"key/{keyid(desk.world.vault.public_key(KEY))}"),
    "an approver": lambda _: _named("person/p-amir"),
    "a contributor": lambda _: _named("person/p-dana"),
    "an approver's role": lambda desk: (
        str(getattr(desk.world.follower.head(f"role/{TENANT}/p-amir/approver"), "digest", "")),
        "role",
    ),
}


def _named(what: str) -> tuple[str, str]:
    return sha256_hex(what.encode()), what


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_said_to_stop_stops_and_nothing_else(live: Desk, target: str) -> None:
    revokes, what = TARGETS[target](live)
    seen = preview(live, revokes, what)
    assert seen.aliases[0].about == f"alias/prod/{MODEL}@champion"
    assert seen.endpoints[0].about == "endpoint/prod/credit"
    assert seen.aliases[0].stops
    assert seen.endpoints[0].stops
    usable = {one.number for one in seen.versions if not one.stops} | {1, 2} - {
        one.number for one in seen.versions
    }
    live.world.revoke(revokes, what)
    for number in (1, 2):
        if number in usable:
            live.registry.judged(MODEL, number, PROD)
        else:
            with pytest.raises(ChainRevoked):
                live.registry.judged(MODEL, number, PROD)
    with pytest.raises((GateNotMet, ChainRevoked)):
        live.promote()
    assert preview(live, revokes, what).unchanged


def spoken_for(desk: Desk) -> str:
    """Have amir approve, and dora for bea; return the delegation she spoke under."""
    desk.world.enrol_by("dora", "operator", by=("ada", "grace"))
    fact = hand_on(desk)
    desk.say("amir")
    desk.say("dora")
    return fact


def head(desk: Desk, about: str) -> tuple[str, str]:
    newest = [one.digest for one in desk.world.follower.records() if one.about.startswith(about)]
    return newest[-1], "fact"


UNDONE: dict[str, tuple[Callable[[Desk], tuple[str, str]], set[str]]] = {
    "the delegation": (lambda desk: head(desk, "delegation/"), {"p-dora"}),
    "who is away": (lambda _: _named("person/p-bea"), {"p-dora"}),
    "the delegate": (lambda _: _named("person/p-dora"), {"p-dora"}),
    "the delegate's passkey": (lambda desk: head(desk, "credential/p-dora"), {"p-dora"}),
    "the passkey of who is away": (lambda desk: head(desk, "credential/p-bea"), {"p-dora"}),
    "the role of who is away": (lambda desk: head(desk, f"role/{TENANT}/p-bea/approver"), {"p-dora"}),
    "an approver's passkey": (lambda desk: head(desk, "credential/p-amir"), {"p-amir"}),
    "an approver's role": (lambda desk: head(desk, f"role/{TENANT}/p-amir/approver"), {"p-amir"}),
    "an approval": (lambda desk: head(desk, f"approval/{MODEL}/1/prod/p-amir"), {"p-amir"}),
    "what they saw": (lambda desk: (only(desk, FactKind.EVALUATION), "evaluation"), {"p-amir", "p-dora"}),
    "the role of somebody else": (lambda desk: head(desk, f"role/{TENANT}/p-dana"), set()),
}


@pytest.mark.parametrize("target", UNDONE)
def test_the_words_that_would_not_count_any_more_are_named(registered: Desk, target: str) -> None:
    spoken_for(registered)
    find, undone = UNDONE[target]
    revokes, what = find(registered)
    before = {one.person for one in registered.registry.judged(MODEL, 1, PROD).approvals}
    seen = preview(registered, revokes, what)
    assert {one.about for one in seen.approvals if one.stops} == {f"{person} for prod" for person in undone}
    registered.world.revoke(revokes, what)
    after = {one.person for one in registered.registry.judged(MODEL, 1, PROD).approvals}
    assert (before, before - after) == ({"p-amir", "p-dora"}, undone)


def test_nothing_is_written_by_looking(live: Desk) -> None:
    size = live.world.follower.size
    preview(live, only(live, FactKind.VERSION), "version")
    assert live.world.follower.size == size


def test_what_stands_on_nothing_of_it_is_not_named(live: Desk) -> None:
    newest = live.world.follower.records(FactKind.VERSION)[-1].digest
    seen = preview(live, newest, "version")
    assert [one.number for one in seen.versions] == [2]
    assert seen.aliases == seen.endpoints == seen.approvals == ()
    assert seen.stopped == 1


def test_a_release_that_a_run_was_made_with_takes_its_versions_along(live: Desk) -> None:
    release = next(
        f"{name}@{said}"
        for name, said in live.registry.judged(MODEL, 1, PROD).chain.provenance.environment.items()
    )
    seen = named(live, f"dependency/{release}")
    assert [one.number for one in seen.versions] == [1, 2]
    assert seen.kind == "dependency"
    assert named(live, "dependency/nonesuch@1").stopped == 0


def test_the_key_of_facts_takes_along_what_it_signed(live: Desk) -> None:
    (approval, *_) = live.world.follower.records(FactKind.APPROVAL)
    seen = named(live, f"key/{approval.signed.keyid}")
    assert {one.about for one in seen.approvals} == {"p-amir for prod", "p-bea for prod"}
    assert seen.endpoints[0].stops


@pytest.mark.parametrize(
    ("revokes", "what"), [("0" * 64, "fact"), ("0" * 64, "person/p-amir"), ("0" * 64, "planet/mars")]
)
def test_what_cannot_be_revoked_has_no_preview(live: Desk, revokes: str, what: str) -> None:
    with pytest.raises(UnknownFact):
        preview(live, revokes, what)
    with pytest.raises(ServiceError):
        live.registry.revoke(revokes, what=what, reason="x", by=live.person("ada"))
