from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.custody.world import World
from tests.unit.registry.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(World(tmp_path), tmp_path)


@pytest.fixture
def registered(desk: Desk) -> Desk:
    """A desk with version 1, evaluated, approved by nobody."""
    desk.trained()
    desk.register()
    return desk
