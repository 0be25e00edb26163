"""Packages lie sealed; a predictor gets one while its endpoint is to answer with it, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.contracts import Environment, FactKind, SpiffeId
from assay.custody.errors import ChainRevoked, GateNotMet
from assay.errors import SignatureInvalid
from assay.objects import Objects
from assay.web.caller import Caller
from services.registry.errors import NoLiveRollout
from services.registry.packages import Packages
from services.registry.releasing import require_release
from tests.unit.custody.graphs import graph
from tests.unit.custody.world import DOMAIN, ENDPOINT, TENANT
from tests.unit.registry.desk import PROD, Desk


def predictor(desk: Desk, environment: str = "prod", endpoint: str = ENDPOINT) -> Caller:
    identity = SpiffeId(DOMAIN, f"/svc/{environment}/predictor/{endpoint}")
    return replace(desk.service("serving"), identity=identity)


def package(desk: Desk, number: int = 1) -> str:
    return str(desk.registry.believed.version("credit-default", number).fact.body["package"])


@pytest.fixture
def rolled_out(registered: Desk) -> Desk:
    """Version 1 is approved and rolled out."""
    registered.approved()
    registered.world.rollout(registered.registry.judged("credit-default", 1, PROD))
    return registered


def test_nothing_of_a_package_lies_open_in_the_store(registered: Desk) -> None:
    files = registered.registry.packages.files(package(registered))
    assert files["model.onnx"] == graph()
    stored = [path.read_bytes() for path in (registered.folder / "objects").rglob("*") if path.is_file()]
    assert len(stored) > len(files)
    for content in files.values():
        assert not [kept for kept in stored if content in kept]


def test_a_sealed_file_opens_as_nothing_but_itself(registered: Desk) -> None:
    registered.trained(run="run-2")
    registered.register(run="run-2")
    folder = registered.folder / "objects" / "sealed"
    first, second = (folder / package(registered, n) for n in (1, 2))
    shared = sorted({one.name for one in first.iterdir()} & {one.name for one in second.iterdir()})
    (first / shared[0]).write_bytes((second / shared[0]).read_bytes())
    (first / shared[1]).write_bytes((first / shared[2]).read_bytes())
    names = {e["sha256"]: e["path"] for e in registered.registry.packages.manifest(first.name)}
    for digest in shared[:2]:
        with pytest.raises(SignatureInvalid):
            registered.registry.packages.file(first.name, names[digest])


def test_two_replicas_keep_one_package_under_one_key(registered: Desk) -> None:
    files = registered.registry.packages.files(package(registered))
    other = Packages(Objects(f"file://{registered.folder}/objects"), registered.world.vault, TENANT)
    assert other.keep(files) == package(registered)
    assert other.files(package(registered)) == files


def test_a_predictor_gets_what_its_endpoint_is_to_answer_with(rolled_out: Desk) -> None:
    require_release(rolled_out.registry, package(rolled_out), predictor(rolled_out))
    require_release(rolled_out.registry, package(rolled_out), rolled_out.person("dana"))


def test_a_predictor_gets_no_other_package(rolled_out: Desk) -> None:
    rolled_out.trained(run="run-2")
    rolled_out.register(run="run-2")
    refused = [
        (package(rolled_out, 2), predictor(rolled_out)),
        (package(rolled_out), predictor(rolled_out, endpoint="other")),
        (package(rolled_out), predictor(rolled_out, environment="dev")),
    ]
    for digest, by in refused:
        with pytest.raises(NoLiveRollout):
            require_release(rolled_out.registry, digest, by)


def test_the_release_ends_with_the_next_rollout(rolled_out: Desk) -> None:
    first = package(rolled_out)
    rolled_out.trained(run="run-2")
    rolled_out.register(run="run-2")
    rolled_out.approved(2)
    rolled_out.world.rollout(rolled_out.registry.judged("credit-default", 2, PROD))
    with pytest.raises(NoLiveRollout):
        require_release(rolled_out.registry, first, predictor(rolled_out))
    require_release(rolled_out.registry, package(rolled_out, 2), predictor(rolled_out))


def test_a_rollout_that_does_not_stand_releases_nothing(rolled_out: Desk) -> None:
    (approval, _) = rolled_out.world.follower.records(FactKind.APPROVAL)
    rolled_out.world.revoke(approval.digest)
    with pytest.raises((GateNotMet, ChainRevoked)):
        require_release(rolled_out.registry, package(rolled_out), predictor(rolled_out))


def test_a_registry_that_is_behind_its_predictor_catches_up_before_it_refuses(
    rolled_out: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, ada = rolled_out.world.follower, rolled_out.person("ada")
    (approval, _) = follower.records(FactKind.APPROVAL)
    rolled_out.world.revoke(approval.digest)
    with monkeypatch.context() as behind:
        behind.setattr(follower, "catch_up", lambda: follower.size)
        rolled_out.registry.reinstate(approval.digest, what="approval", reason="a mistake", by=ada)
    assert follower.revoked(approval.digest)
    require_release(rolled_out.registry, package(rolled_out), predictor(rolled_out))
    assert not follower.revoked(approval.digest)


def test_a_rollout_without_approvals_releases_nothing(registered: Desk) -> None:
    registered.world.rollout(registered.registry.judged("credit-default", 1, Environment.PROD))
    with pytest.raises(GateNotMet):
        require_release(registered.registry, package(registered), predictor(registered))
