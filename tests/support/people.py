"""Fixtures of identity's people listener: its world, and somebody's browser without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.identity.lab import Lab
from tests.integration.identity.world import World
from tests.support.surfer import Surfer


@pytest.fixture
def peopled(tmp_path: Path) -> Iterator[World]:
    """The service with its people listener."""
    lab = Lab(tmp_path)
    try:
        world = World(lab, tmp_path)
        world.serve_people()
        yield world
    finally:
        lab.close()


@pytest.fixture
def surfer(peopled: World) -> Iterator[Surfer]:
    """A browser that nobody has signed in with yet."""
    made = peopled.surfer()
    yield made
    made.close()
