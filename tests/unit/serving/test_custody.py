"""Serving asks the registry for a package's manifest and believes it by the digest that the version names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.contracts import Environment
from assay.custody.errors import GateNotMet, NoModelCard
from assay.custody.package import CARD_FILE, manifest, package_digest
from assay.errors import SignatureInvalid
from services.serving.adapters.custody import CustodyJudge
from services.serving.domain import Place
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.world import ENDPOINT, World

PLACE = Place(Environment.PROD, ENDPOINT)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    made = registered(World(tmp_path))
    made.approved()
    return made


def judge(candidate: Candidate, said: Any) -> CustodyJudge:  # noqa: ANN401 - what a registry answers
    world = candidate.world
    answering = httpx.MockTransport(lambda _: httpx.Response(200, json={"files": said}))
    http = httpx.Client(base_url="https://registry", transport=answering)
    return CustodyJudge(http, world.follower, world.root, world.policy, now_ns=world.now_ns)


def test_what_the_version_names_is_judged(candidate: Candidate) -> None:
    found = judge(candidate, manifest(candidate.files)).judged(candidate.version.digest, PLACE)
    assert found.verdict.passed


def test_another_manifest_than_the_packages_is_not_believed(candidate: Candidate) -> None:
    true = manifest(candidate.files)
    swapped = [{**one, "sha256": "f" * 64} if one["path"] == CARD_FILE else one for one in true]
    answers: tuple[Any, ...] = (swapped, true[1:], [*true, true[0]], [], {}, "nothing")
    for said in answers:
        with pytest.raises(SignatureInvalid, match="is not that of package"):
            judge(candidate, said).judged(candidate.version.digest, PLACE)


def test_a_package_without_a_card_is_not_judged(candidate: Candidate) -> None:
    bare = {path: data for path, data in candidate.files.items() if path != CARD_FILE}
    run = candidate.world.run(candidate.features, {"bare": package_digest(bare)}, run="run-2")
    version, _ = candidate.world.version(run, "bare", bare)
    with pytest.raises(NoModelCard):
        judge(candidate, manifest(bare)).judged(version.digest, PLACE)


def test_what_was_approved_for_another_endpoint_is_not_met_at_this_one(tmp_path: Path) -> None:
    only = registered(World(tmp_path))
    before = only.judged()
    for name in ("amir", "bea"):
        only.world.approve(before, name, conditions={"endpoints": [ENDPOINT]})
    asked = judge(only, manifest(only.files))
    assert asked.judged(only.version.digest, PLACE).verdict.passed
    with pytest.raises(GateNotMet, match="this is endpoint cards"):
        asked.judged(only.version.digest, Place(Environment.PROD, "cards"))
