from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Environment
from assay.custody import Judgement, package_digest
from assay.ledger import Record
from tests.unit.custody.examples import example_files
from tests.unit.custody.world import World


@dataclass
class Candidate:
    """A registered version whose gate wants nothing but approvals."""

    world: World
    files: dict[str, bytes]
    features: Record
    run: Record
    evaluation: Record
    version: Record
    signature: bytes

    def judged(self, environment: Environment = Environment.PROD) -> Judgement:
        """Judge it now."""
        return self.world.judge(self.version, self.files, environment)

    def approved(self) -> Judgement:
        """Have both approvers approve, and judge."""
        before = self.judged()
        self.world.approve(before, "amir")
        self.world.approve(before, "bea")
        return self.judged()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def candidate(world: World) -> Candidate:
    return registered(world)


def registered(
    world: World,
    *,
    contributors: tuple[str, ...] = ("dana",),
    slices: dict[str, Any] | None = None,
    drawn: dict[str, Any] | None = None,
) -> Candidate:
    """Say everything up to a version; `slices` and `drawn` are what its evaluation states besides measures."""
    features = world.feature_set(world.batch("2005-04"), world.batch("2005-05"))
    files = example_files((features.digest,))
    package = package_digest(files)
    run = world.run(features, {"epoch-3": package}, contributors=contributors)
    evaluation = world.evaluation(run, package, features, slices=slices, drawn=drawn)
    version, signature = world.version(run, "epoch-3", files)
    return Candidate(world, files, features, run, evaluation, version, signature)
