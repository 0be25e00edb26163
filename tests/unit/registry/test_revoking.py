"""The look ahead of a revocation: it names what the revocation then really stops, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.contracts import FactKind, sha256_hex
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.errors import ServiceError
from services.registry.errors import UnknownFact
from services.registry.revoking import BlastRadius, Revoking
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD, Desk


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
